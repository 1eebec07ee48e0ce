// The page: `nodes`, `edges`, `pictures`, `output`, `words` and `tape` are written before it.
// A node is [name, formula, role, shape, value, gradient], the last two places in the tape or -1; an edge
// [consumer, arg, formula, local, upstream, contribution]; `{3}` in a formula stands for node 3.

const find = (id) => document.getElementById(id);

const say = (key, facts) => words[key].replace(/\{(\w+)\}/g, (_, name) => facts[name]);

const make = (name, attributes = {}, ...inside) => {
  const svg = /^(svg|g|rect|text|polyline|path|title)$/.test(name);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  element.append(...inside);
  return element;
};

// --- numbers as text, in six digits, as Python's %g rounds them: halves to even ---

const withMinus = (text) => text.replaceAll("-", "−");

const plain = (x) => {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  if (Number.isInteger(x) && Math.abs(x) < 1e15) return String(x + 0);
  let [digits, exponent] = x.toExponential(5).split("e");
  const exact = /(\d)50*e/.exec(x.toExponential(40).replace(/^(-?\d\.\d{4})/, ""));
  if (exact && exact.index === 0 && exact[1] % 2 === 0) digits = x.toExponential(40).slice(0, digits.length);
  digits = +digits;
  if (exponent < -4 || exponent > 5) return digits + "e" + +exponent;
  return String(+(digits + "e" + exponent)).replace(/^(-?)(\d)e-5$/, "$10.0000$2");
};

const number = (x) => withMinus(plain(x));

const norm = (x) => Math.hypot(...x);

// A number, up to three rows of three; of larger arrays the beginning and the norm.
const lines = (x, shape) => {
  if (!shape.length) return [number(x[0])];
  const width = shape[shape.length - 1];
  const row = (part) => `[${part.map(number).join(", ")}]`;
  if (shape.length > 2 || width > 3 || x.length > 9)
    return [`[${x.slice(0, 2).map(number).join(", ")}, …]`, say("norm", { norm: number(norm(x)) })];
  if (!x.length) return ["[]"];
  return Array.from({ length: x.length / width }, (_, i) => row(x.slice(i * width, i * width + width)));
};

// In one line, up to 16 elements in full.
const inline = (x, shape) => {
  if (!shape.length || x.length > 16) return lines(x, shape).join(" ");
  let texts = x.map(number);
  for (let axis = shape.length; axis--; ) {
    const width = shape[axis];
    texts = Array.from({ length: width ? texts.length / width : 1 }, (_, i) => `[${texts.slice(i * width, i * width + width).join(", ")}]`);
  }
  return texts[0];
};

// A formula with names, or with numbers; a negative number gets parentheses behind a sign and before a power.
const filled = (formula, text) =>
  formula.replace(/\{(\d+)\}/g, (_, node, at) => {
    const found = text(+node), before = formula.slice(0, at).trimEnd(), after = formula.slice(at + node.length + 2);
    const bare = !before || /[(,[]$/.test(before);
    return found.startsWith("−") && (!bare || /^\s*\^/.test(after)) ? `(${found})` : found;
  });

const named = (formula) => filled(formula, (node) => nodes[node][0]);

// Empty where an array would have to be put in.
const withNumbers = (formula) => {
  const places = [...formula.matchAll(/\{(\d+)\}/g)].map((match) => +match[1]);
  if (!places.length || places.some((node) => nodes[node][3].length)) return "";
  return filled(formula, (node) => number(values[nodes[node][4]][0]));
};

const partial = (node) => `∂${nodes[output][0]}/∂${nodes[node][0]}`;

// --- steps: values forwards, then the seed, then one edge after the other ---

let values = run(tape);
const forward = nodes.flatMap((node, i) => (node[1] ? [i] : []));
const last = forward.length + (edges.length ? 1 + edges.length : 0);
const whenKnown = new Map(forward.map((node, i) => [node, i + 1]));
let now = last;

const isKnown = (node) => (whenKnown.get(node) ?? 0) <= now;

const edgesDone = () => Math.max(0, now - forward.length - 1);

// The gradient of a node as far as it has arrived; null where nothing has.
const arrived = (node) => {
  const place = nodes[node][5];
  if (place < 0 || now <= forward.length) return null;
  if (node === output) return values[place];
  const into = edges.flatMap((edge, i) => (edge[1] === node ? [i] : []));
  const done = into.filter((i) => i < edgesDone());
  if (done.length === into.length) return into.length ? values[place] : null;
  if (!done.length) return null;
  return done.map((i) => values[edges[i][5]]).reduce((a, b) => a.map((x, k) => x + b[k]));
};

const sentence = () => {
  if (!now) return words.start;
  if (now <= forward.length) return say("forward", { text: account(forward[now - 1]) });
  const seed = now === forward.length + 1;
  if (seed) return say("seed", { name: partial(output), value: inline(values[nodes[output][5]], nodes[output][3]) });
  const [from, to, formula, local, upstream, contribution] = edges[edgesDone() - 1];
  const shape = nodes[from][3], passed = inline(values[contribution], nodes[to][3]);
  const facts = { from: nodes[from][0], to: nodes[to][0], formula: named(formula), contribution: passed };
  if (local < 0 || shape.length) return say("edge", facts);
  const tight = (text) => (/ |^−/.test(text) ? `(${text})` : text);
  const product = `${partial(from)} · ${tight(named(formula))} = ${number(values[upstream][0])} · ${tight(number(values[local][0]))}`;
  return say("edge", { ...facts, formula: product });
};

// a = sigmoid(z) = sigmoid(1.9) = 0.869892
const account = (node) => {
  const [name, formula, , shape, place] = nodes[node];
  return [...new Set([name, named(formula), withNumbers(formula), inline(values[place], shape)])].filter(Boolean).join(" = ");
};

// --- the picture ---

const cardOf = pictures.map((picture) => new Map(picture[3].flatMap((card, i) => card[7].map((node) => [node, i]))));
const drawn = [];

const draw = ([width, height, frames, cards, lanes_, title], which) => {
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, width: width, height: height, role: "group", "aria-label": title });
  for (const [name, x, y, w, h] of frames)
    svg.append(make("rect", { class: "frame", x: x, y: y, width: w, height: h, rx: 8 }), make("text", { class: "name", x: x + 9, y: y + 14 }, name));
  const lines_ = lanes_.map(([, , points]) => {
    const [x, y, u, v] = [...points.slice(-2), ...points.slice(-4, -2)], far = Math.hypot(x - u, y - v) || 1;
    const dx = ((x - u) / far) * 6, dy = ((y - v) / far) * 6;
    const tip = `M${x} ${y}L${x - dx - dy / 2} ${y - dy + dx / 2}L${x - dx + dy / 2} ${y - dy - dx / 2}Z`;
    const edge = make("g", { class: "edge" }, make("polyline", { points: points }), make("path", { d: tip }));
    svg.append(edge);
    return edge;
  });
  const labels = lanes_.map(([, , , shown, x, y, rows]) => shown && Array.from({ length: rows }, (_, i) => {
    const text = make("text", { class: "label gradient", x: x, y: y + 14 * i + 11 });
    svg.append(text);
    return text;
  }));
  const texts = cards.map(([x, y, w, h, kind, head, node, , inside], i) => {
    const shape = nodes[node][3], middle = x + w / 2;
    let line = y + 15;
    const write = (kind, text) => {
      const element = make("text", { class: kind, x: middle, y: line }, text);
      line += 15;
      return element;
    };
    const rows = inside ? lines(values[nodes[node][4]], shape).length : 0;
    const heads = [write("head", head), ...(shape.length ? [write("shape", shape.join("×"))] : [])];
    const value = Array.from({ length: rows }, () => write("value", ""));
    const gradient = Array.from({ length: nodes[node][5] < 0 ? 0 : rows }, () => write("gradient", ""));
    const box = make("rect", { class: kind, x: x, y: y, width: w, height: h, rx: /op|output/.test(kind) ? 12 : 3 });
    const group = make("g", { class: "card", role: "img", tabindex: i ? -1 : 0 }, box, ...heads, ...value, ...gradient);
    group.onfocus = group.onmouseenter = () => tell(node);
    group.onkeydown = (event) => walk(event, which, i);
    svg.append(group);
    return { group: group, value: value, gradient: gradient, room: w - 8 };
  });
  drawn.push({ lines: lines_, labels: labels, texts: texts });
  return svg;
};

const tell = (node) => {
  const known = arrived(node);
  const facts = isKnown(node) ? account(node) : nodes[node][0] + (nodes[node][1] ? " = " + named(nodes[node][1]) : "");
  find("about").textContent = facts + (known ? `; ${partial(node)} = ${inline(known, nodes[node][3])}` : "");
  document.querySelectorAll("tr.seen").forEach((row) => row.classList.remove("seen"));
  find("n" + node)?.classList.add("seen");
};

// Arrow keys lead along the edges, and up and down through the cards in order.
const walk = (event, which, card) => {
  const lanes_ = pictures[which][4], count = drawn[which].texts.length;
  const next = {
    ArrowLeft: lanes_.find((edge) => edge[1] === card)?.[0],
    ArrowRight: lanes_.find((edge) => edge[0] === card)?.[1],
    ArrowUp: (card + count - 1) % count,
    ArrowDown: (card + 1) % count,
  };
  if (!(event.key in next)) return;
  event.preventDefault();
  event.stopPropagation();
  if (next[event.key] === undefined) return;
  drawn[which].texts[card].group.setAttribute("tabindex", -1);
  drawn[which].texts[next[event.key]].group.setAttribute("tabindex", 0);
  drawn[which].texts[next[event.key]].group.focus();
};

const put = (texts, found, room) =>
  texts.forEach((element, i) => {
    const text = found[i] ?? "";
    if (element.textContent === text) return;
    element.textContent = text;
    element.removeAttribute("textLength");
    // Measured only where it may be too long: each time the browser has to lay the page out.
    if (text.length * 8 > room && element.getComputedTextLength() > room) {
      element.setAttribute("textLength", room);
      element.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
  });

const fillPicture = (which) => {
  const [, , , cards, lanes_] = pictures[which], { lines: lines_, labels: labels, texts: texts } = drawn[which];
  const edge = edges[edgesDone() - 1], current = edge ? edge.slice(0, 2) : now && now <= forward.length ? [forward[now - 1]] : now ? [output] : [];
  const lit = current.map((node) => cardOf[which].get(node));
  cards.forEach(([, , , , , head, node], i) => {
    const shape = nodes[node][3], gradient = arrived(node), { group: group, value: value, gradient: below, room: room } = texts[i];
    const shown = isKnown(node) ? lines(values[nodes[node][4]], shape) : [];
    put(value, shown, room);
    put(below, gradient ? lines(gradient, shape) : [], room);
    group.classList.toggle("now", lit.includes(i));
    const facts = [head, shown.length && say("value", { value: shown.join(" ") }), gradient && say("gradient", { gradient: inline(gradient, shape) })];
    group.setAttribute("aria-label", facts.filter(Boolean).join(", "));
  });
  lanes_.forEach(([from, to, , shown], i) => {
    lines_[i].classList.toggle("now", edge !== undefined && lit[1] === from && lit[0] === to);
    if (!shown) return;
    const done = shown.filter((k) => k < edgesDone()).map((k) => oneLine(values[edges[k][5]], nodes[edges[k][1]][3]));
    put(labels[i], [done.length > 3 ? done.slice(0, 2).join(" + ") + " + …" : done.join(" + ")], 999);
  });
  const place = texts[lit[0]]?.group.querySelector("rect"), frame = place?.ownerSVGElement.parentElement;
  if (!place || frame.scrollWidth <= frame.clientWidth) return;
  const x = +place.getAttribute("x"), width = +place.getAttribute("width");
  if (x < frame.scrollLeft || x + width > frame.scrollLeft + frame.clientWidth) frame.scrollLeft = x - frame.clientWidth / 2;
};

const oneLine = (x, shape) => (shape.length && (shape.length > 1 || x.length > 3) ? say("norm", { norm: number(norm(x)) }) : inline(x, shape));

// --- tables ---

const row = (id, ...cells) => make("tr", { id: id }, ...cells.map((cell, i) => make(i ? "td" : "th", i ? {} : { scope: "row" }, cell)));

const fillTables = () => {
  nodes.forEach((node, i) => {
    const cells = find("n" + i).children, gradient = arrived(i);
    const known = isKnown(i);
    cells[2].textContent = known ? withNumbers(node[1]) : "";
    cells[3].textContent = known ? inline(values[node[4]], node[3]) : "";
    cells[4].textContent = gradient ? inline(gradient, node[3]) : "";
    find("n" + i).classList.toggle("now", now > 0 && (forward[now - 1] ?? (edgesDone() ? -1 : output)) === i);
  });
  edges.forEach(([from, to, , local, upstream, contribution], i) => {
    const cells = find("e" + i).children, done = i < edgesDone();
    cells[1].textContent = done ? inline(values[upstream], nodes[from][3]) : "";
    cells[3].textContent = done && local >= 0 ? inline(values[local], values[local].length > 1 ? nodes[from][3] : []) : "";
    cells[4].textContent = done ? inline(values[contribution], nodes[to][3]) : "";
    find("e" + i).classList.toggle("now", i === edgesDone() - 1);
  });
};

const show = (step) => {
  now = Math.min(last, Math.max(0, step || 0));
  pictures.forEach((_, which) => fillPicture(which));
  fillTables();
  find("slider").value = now;
  find("slider").setAttribute("aria-valuetext", say("step", { step: now, last: last }));
  find("sentence").textContent = sentence();
  find("back").disabled = !now;
  find("next").disabled = now === last;
  try {
    history.replaceState(null, "", "#" + now);
  } catch {
    location.hash = now;
  }
};

// --- inputs that can be changed, differences, and descent ---

const inputs = nodes.flatMap((node, i) => (node[2] ? [i] : []));
const start = new Map(inputs.map((node) => [node, tape[nodes[node][4]]]));
const moving = inputs.filter((node) => nodes[node][5] >= 0);
const steered = moving.filter((node) => nodes[node][2] === "parameter");
const largest = 64;
let losses = [];

const inFull = (x, shape) => {
  const width = shape.length > 1 ? shape[shape.length - 1] : x.length || 1;
  return x.map((each, i) => (i ? (i % width ? ", " : "; ") : "") + each).join("");
};

const refresh = (keepFields) => {
  if (keepFields) find("about").textContent = "";
  values = run(tape);
  inputs.forEach((node) => {
    const [, , , shape, , gradient] = nodes[node], field = find("f" + node);
    if (field && field !== keepFields) field.value = inFull(tape[nodes[node][4]], shape);
    field?.removeAttribute("aria-invalid");
    find("g" + node).textContent = gradient < 0 ? "" : inline(values[gradient], shape);
    find("d" + node).textContent = "";
  });
  show(now);
};

const edit = (node, field) => {
  const parts = field.value.trim().split(/[\s,;]+/), shape = nodes[node][3];
  const found = parts.map((part) => (part ? +part.replaceAll("−", "-") : NaN));
  const fits = found.length === tape[nodes[node][4]].length && found.every(Number.isFinite);
  field.toggleAttribute("aria-invalid", !fits);
  if (!fits) {
    field.setAttribute("aria-invalid", "true");
    find("wrong").textContent = say("wrong", { name: nodes[node][0], count: tape[nodes[node][4]].length });
    return;
  }
  find("wrong").textContent = "";
  tape[nodes[node][4]] = found;
  refresh(field);
};

// What the gradient is of: the output, each element times its weight.
const total_ = (changed) => {
  const place = nodes[output][4], result = run(changed, place + 1)[place], seed = values[nodes[output][5]];
  return result.reduce((sum, each, i) => sum + each * seed[i % seed.length], 0);
};

// Central differences at two widths, put together so that the error is of the fourth order.
const differences = (node) => {
  const place = nodes[node][4], at = tape[place];
  return at.map((x, i) => {
    const h = 1e-5 * Math.max(1, Math.abs(x));
    const moved_ = (by) => total_(tape.map((entry, k) => (k === place ? at.map((each, j) => (j === i ? each + by : each)) : entry)));
    return (8 * (moved_(h) - moved_(-h)) - (moved_(2 * h) - moved_(-2 * h))) / (12 * h);
  });
};

const check = () =>
  moving.forEach((node) => {
    const few = tape[nodes[node][4]].length <= largest;
    find("d" + node).textContent = few ? inline(differences(node), nodes[node][3]) : "";
  });

const descend = (count) => {
  const rate = +find("rate").value;
  for (; count > 0; count--) {
    if (!losses.length) losses.push(values[nodes[output][4]][0]);
    (steered.length ? steered : moving).forEach((node) => {
      const gradient = values[nodes[node][5]];
      tape[nodes[node][4]] = tape[nodes[node][4]].map((x, i) => x - rate * gradient[i]);
    });
    values = run(tape);
    losses.push(values[nodes[output][4]][0]);
  }
  refresh();
  curve();
};

const curve = () => {
  const low = Math.min(...losses), high = Math.max(...losses), n = losses.length - 1;
  const points = losses.map((loss, i) => `${5 + (i / (n || 1)) * 290},${75 - ((loss - low) / (high - low || 1)) * 70}`);
  const text = n > 0 ? say("descended", { name: nodes[output][0], count: n, from: number(losses[0]), to: number(losses[n]) }) : "";
  find("losses").textContent = text;
  find("curve").replaceChildren(...(n > 0 ? [make("svg", { viewBox: "0 0 300 80", role: "img", "aria-label": text }, make("polyline", { points: points.join(" ") }))] : []));
};

const reset = () => {
  start.forEach((value, node) => (tape[nodes[node][4]] = value));
  losses = [];
  find("wrong").textContent = "";
  curve();
  refresh();
};

// --- the page is put together ---

nodes.forEach(([name, formula, role], i) => find("nodes").append(row("n" + i, name, formula ? named(formula) : words[role] ?? role, "", "", "")));
edges.forEach(([from, to, formula], i) => find("edges").append(row("e" + i, `${nodes[from][0]} → ${nodes[to][0]}`, "", named(formula), "", "")));
inputs.forEach((node) => {
  const [name, , , shape, place] = nodes[node], few = tape[place].length <= largest;
  const field = few ? make("input", { id: "f" + node, "aria-label": name, "aria-describedby": "wrong", autocomplete: "off", spellcheck: "false", class: tape[place].length > 1 ? "wide" : "" }) : inline(tape[place], shape);
  if (few) field.oninput = () => edit(node, field);
  const line = row("i" + node, name, field, "", "");
  line.children[2].id = "g" + node;
  line.children[3].id = "d" + node;
  find("inputs").append(line);
});
pictures.forEach((picture, which) => {
  const frame = make("div", { class: "scroll", tabindex: -1 }, draw(picture, which));
  if (!which) return find("pictures").append(frame);
  find("pictures").append(make("details", {}, make("summary", {}, picture[5]), frame));
});
find("slider").max = last;
find("slider").oninput = (event) => show(+event.target.value);
find("back").onclick = () => show(now - 1);
find("next").onclick = () => show(now + 1);
find("check").onclick = check;
find("reset").onclick = reset;
if (find("rate")) {
  find("once").onclick = () => descend(1);
  find("often").onclick = () => descend(10);
}
document.onkeydown = (event) => {
  const by = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
  if (by === undefined || event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input,summary,.scroll:not(svg *)")) return;
  event.preventDefault();
  show(by);
};
window.onhashchange = () => show(parseInt(location.hash.slice(1)));
now = /^#\d+$/.test(location.hash) ? +location.hash.slice(1) : last;
refresh();
