// The page. Written before it are `tape`, `said_…` (sentences), `$…` (the elements with ids), and its data:
// of each node  names, formulas, places and gradients in the tape (or -1), kinds (which of `roles`)
// of each edge  consumers, args, derivatives (formulas), locals and contributions in the tape (or -1)
// shapes        of all nodes, then of the locals of all edges: 0 for numbers; empty in pages without arrays
// pictures      [width, height, cards, lanes, frames, title]
// cards         [node, head, x, y, width, members, 1 where it is a closed layer]; without members: the node alone
// lanes         [source, target, points, x, y, ...edges]: the label at x, y has the contributions of these edges
// `{3}` in a formula stands for node 3. All texts are HTML. A line that ends in `//: frames` is written only into
// pages with frames.

// --- numbers as text, in six digits, as Python's %g rounds them: halves to even ---

const plain = (x) => {
  if (x % 1 === 0 && Math.abs(x) < 1e15) return `${x + 0}`;
  const rounded = (+x.toExponential(40).replace(/(\.\d{4}[02468])50*e/, "$1e")).toExponential(5), size = Math.abs(rounded);
  const text = size < 1e6 && size >= 1e-4 ? `${+rounded}` : rounded.replace(/\.?0*e/, "e");
  return text.replace("+", "").replace("Infinity", "inf").replace("NaN", "nan");
};

const number = (x) => plain(x).replaceAll("-", "−");

// A formula with names, or with numbers; a negative number gets parentheses behind a sign and before a power.
const filled = (formula, f) =>
  formula.replace(/([(,[] *)?\{(\d+)\}( *\^)?/g, (_, before = "", node, power = "", at) => {
    const text = f(node), bare = text[0] !== "−" || ((before || !at) && !power);
    return before + (bare ? text : `(${text})`) + power;
  });

const named = (formula) => filled(formula, (node) => names[node]);

// Empty where an array would have to be put in.
const withNumbers = (formula) =>
  formula.match(/\d+(?=})/g)?.every((node) => !shapes[node]) ? filled(formula, (node) => inline(values[places[node]])) : "";

const all = (selector) => document.querySelectorAll(selector);

const indices = (list, f) => [...list.keys()].filter(f);

const partial = (node) => `∂${names[output]}/∂${names[node]}`;

// a = sigmoid(z) = sigmoid(1.9) = 0.869892
const account = (node) => {
  const formula = formulas[node], parts = isKnown(node) ? [withNumbers(formula), inline(values[places[node]], node)] : [];
  return [...new Set([names[node], named(formula), ...parts])].filter((text) => text).join(" = ");
};

// --- steps: values forwards, then the seed, then one edge after the other ---

const forward = indices(names, (node) => formulas[node]);
const last = forward.length + (args.length && args.length + 1);
const start = [...tape];
let values, now, passed;

const isKnown = (node) => forward.indexOf(node) < now;

// The gradient of a node as far as it has arrived; nothing where nothing has.
const arrived = (node) => {
  const into = indices(args, (i) => args[i] === node), done = into.filter((i) => i < passed);
  if (into.length === done.length) return now > forward.length && values[gradients[node]];
  return done.length && done.map((i) => values[contributions[i]]).reduce((x, y) => x.map((each, k) => each + y[k]));
};

const tight = (text) => (/ |^−/.test(text) ? `(${text})` : text);

const sentence = (edge) => {
  if (!now) return said_start();
  if (now <= forward.length) return said_forward(account(forward[now - 1]));
  if (edge < 0) return said_seed(partial(output), inline(values[gradients[output]], output));
  const from = consumers[edge], to = args[edge], local = locals[edge];
  let formula = named(derivatives[edge]);
  if (local >= 0 && !shapes[from])
    formula = `${partial(from)} · ${tight(formula)} = ${inline(values[gradients[from]])} · ${tight(inline(values[local]))}`;
  return said_edge(names[from], formula, inline(values[contributions[edge]], to), names[to]);
};

// --- the picture ---

// A text that is wider than the room for it is pressed together; signs between digits are half as wide as these.
const label = (kind, x, y, text, room) => {
  const width = text.length * 7.6 - text.split(/[ ,.[\]]/).length * 3.6;
  return `<text class="${kind}" x=${x} y=${y}${width > room ? ` textLength=${room} lengthAdjust=spacingAndGlyphs` : ""}>${text}</text>`;
};

const group = (isLit, kind, inside) => `<g class="${kind}${isLit ? " now" : ""}"${inside}</g>`;

const card = ([node, head, x, y, w, , layer], lanes, i) => {
  const known = isKnown(node), gradient = arrived(node), kind = kinds[node] || 0;
  let value = lines(values[places[node]], node), texts = "", h = 9;
  if (lanes.some((lane) => lane[0] === i)) value = []; //: circuit
  const write = (kind, lines) => lines.map((text) => (texts += label(kind, x + w / 2, y + (h += 15) - 9, text, kind === "head" ? 999 : w - 8)));
  write("head", [head]);
  if (shapes[node]) write("shape", [shapes[node].join("×")]); //: arrays
  write("value", value.map((text) => (known ? text : "")));
  if (gradients[node] >= 0) write("gradient", value.map((_, k) => (gradient ? lines(gradient, node)[k] : "")));
  const facts = head + (known ? `, ${said_value(value.join(" "))}` : "") + (gradient ? `, ${said_gradient(inline(gradient, node))}` : "");
  return ` role=img tabindex=${i && -1} aria-label="${facts}"><rect class="k${kind}${node === output ? " output" : ""}${layer ? " layer" : ""}" x=${x} y=${y} width=${w} height=${h} rx=${kind || layer ? 3 : 12} />${texts}`;
};

const lane = ([, , points]) => {
  const [u, v, x, y] = points.slice(-4);
  return `><polyline points="${points}"/><path d="M0 0L-6 3V-3Z" transform="translate(${x} ${y})rotate(${Math.atan2(y - v, x - u) * 57.3})"/>`;
};

const laneLabel = ([from, , , x, y, ...shown], cards) => {
  const done = shown.filter((i) => i < passed).map((i) => oneLine(values[contributions[i]], args[i]));
  let value = "";
  const node = cards[from][0]; //: circuit
  if (x && isKnown(node)) value = label("label value", x, y + 11, oneLine(values[places[node]], node)); //: circuit
  if (x) y += 14; //: circuit
  return value + (done[0] ? label("label gradient", x, y + 11, (done[3] ? [...done.slice(0, 2), "…"] : done).join(" + ")) : "");
};

const drawing = ([width, height, cards, lanes, frames], lit) =>
  `<svg width=${width} height=${height} viewBox="0 0 ${width} ${height}" role=group aria-labelledby=title>${[
    ...frames.map(([name, x, y, w, h]) => `<rect class=frame x=${x} y=${y} width=${w} height=${h} rx=8 /><text class=name x=${x + 9} y=${y + 14}>${name}</text>`), //: frames
    ...lanes.map((each) => group(lit[1] === each[0] && lit[0] === each[1], "", lane(each))),
    ...cards.map((each, i) => group(lit.includes(i), "card", card(each, lanes, i))),
    ...lanes.map((each) => laneLabel(each, cards)),
  ].join("")}</svg>`;

const tell = (node) => {
  const known = arrived(node);
  $about.innerHTML = account(node) + (known ? `; ${partial(node)} = ${inline(known, node)}` : "");
  [...$nodes.rows].forEach((row, i) => row.classList.toggle("seen", i === node));
};

// Arrow keys lead along the edges, and up and down through all cards.
const fillPicture = (frame, which, current) => {
  const [, , cards, lanes] = pictures[which], count = cards.length;
  const lit = current.map((node) => cards.findIndex(([own, , , , , members = [own]]) => members.includes(node)));
  frame.innerHTML = drawing(pictures[which], lit);
  const boxes = [...frame.querySelectorAll(".card")];
  boxes.forEach((box, i) => {
    box.onmouseenter = box.onfocus = () => tell(cards[i][0]);
    box.onkeydown = (event) => {
      const by = {
        ArrowLeft: lanes.find((lane) => lane[1] === i)?.[0],
        ArrowRight: lanes.find((lane) => lane[0] === i)?.[1],
        ArrowUp: (i + count - 1) % count,
        ArrowDown: (i + 1) % count,
      };
      if (!(event.key in by)) return;
      event.preventDefault();
      const next = boxes[by[event.key]] ?? box;
      box.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    };
  });
  const [, , x, , width] = cards[lit[0]] ?? [], left = frame.scrollLeft, room = frame.clientWidth;
  if (x < left || x + width > left + room) frame.scrollLeft = x - room / 2;
};

// --- tables ---

const tableRows = (list, f) =>
  list.map((each, i) => {
    const [isNow, name, ...cells] = f(i, each);
    return `<tr${isNow ? " class=now" : ""}><th scope=row>${name}<td>${cells.join("<td>")}`;
  }).join("");

const show = (step) => {
  now = Math.min(last, Math.max(0, step || 0));
  passed = Math.max(0, now - forward.length - 1);
  const edge = passed - 1, node = now && !passed ? forward[now - 1] ?? output : -1;
  all("#pictures .scroll").forEach((frame, which) => fillPicture(frame, which, passed ? [consumers[edge], args[edge]] : [node]));
  $nodes.innerHTML = tableRows(names, (i, name) => {
    const gradient = arrived(i), known = isKnown(i), formula = formulas[i];
    return [i === node, name, formula ? named(formula) : roles[kinds[i]] || "", known ? withNumbers(formula) : "", known ? inline(values[places[i]], i) : "", gradient ? inline(gradient, i) : ""];
  });
  if (args.length) $edges.innerHTML = tableRows(args, (i, to) => {
    const from = consumers[i], put = (place, node) => (i < passed && place >= 0 ? inline(values[place], node) : "");
    return [i === edge, `${names[from]} → ${names[to]}`, put(gradients[from], from), named(derivatives[i]), put(locals[i], names.length + i), put(contributions[i], to)];
  });
  $slider.value = now;
  $slider.ariaValueText = said_step(now, last);
  $sentence.innerHTML = sentence(edge);
  $back.disabled = !now;
  $next.disabled = now === last;
  try {
    history.replaceState(0, "", `#${now}`);
  } catch {
    location.hash = now;
  }
};

// --- inputs that can be changed, and differences ---

const leaves = indices(names, (node) => roles[kinds[node]]);
const moving = leaves.filter((node) => gradients[node] >= 0); //: descent
let losses = []; //: descent

const refresh = (kept) => {
  values = run(tape);
  leaves.forEach((node, i) => {
    const cells = $inputs.rows[i].cells, field = cells[1].firstElementChild ?? {};
    if (field !== kept) field.value = inField(tape[places[node]], node);
    field.ariaInvalid = null;
    cells[2].innerHTML = gradients[node] < 0 ? "" : inline(values[gradients[node]], node);
    cells[3].innerHTML = "";
  });
  $wrong.innerHTML = "";
  show(now);
};

const edit = (field) => {
  const node = leaves[field.closest("tr").rowIndex - 1], place = places[node], count = tape[place].length;
  const x = field.value.trim().split(/[\s,;]+/).map((text) => (text ? +text.replace("−", "-") : NaN));
  if (x.length === count && x.every(Number.isFinite)) {
    tape[place] = x;
    $about.innerHTML = "";
    return refresh(field);
  }
  field.ariaInvalid = true;
  $wrong.innerHTML = said_wrong(names[node], count);
};

const replaced = (list, i, x) => list.map((each, k) => (k === i ? x : each));

// Central differences at two widths, put together so that the error is of the fourth order.
const differences = (place) =>
  tape[place].map((x, i, list) => {
    const h = 1e-5 * Math.max(1, Math.abs(x));
    const at = (by) => weighted(run(replaced(tape, place, replaced(list, i, x + by))));
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  });

// --- gradient descent on the parameters, or on all inputs if none is one, with the curve of the output ---

const steered = moving.filter((node) => kinds[node] === 2); //: descent

const descend = (count) => {
  const loss = () => losses.push(values[places[output]][0]);
  if (!losses.length) loss();
  for (; count--; loss()) {
    (steered.length ? steered : moving).forEach((node) => {
      const gradient = values[gradients[node]], place = places[node];
      tape[place] = tape[place].map((x, i) => x - $rate.value * gradient[i]);
    });
    values = run(tape);
  }
  refresh();
  const low = Math.min(...losses), high = Math.max(...losses), n = losses.length - 1;
  const points = losses.map((x, i) => [5 + (i / n) * 290, 75 - ((x - low) / (high - low || 1)) * 70]);
  const text = said_descended(names[output], n, number(losses[0]), number(losses[n]));
  $losses.innerHTML = `${text}<svg width=300 height=80 aria-hidden=true><polyline points="${points}"/></svg>`;
};

// --- the page is put together ---

$inputs.innerHTML = tableRows(leaves, (i, node) => {
  const name = names[node];
  let kind = "";
  if (tape[places[node]].length > 1) kind = " class=wide"; //: arrays
  if (!isSmall(node)) return [0, name, inline(tape[places[node]], node), "", ""]; //: arrays
  return [0, name, `<input aria-label="${name}" aria-describedby=wrong autocomplete=off${kind}>`, "", ""];
});
$pictures.innerHTML = pictures.map(([, , , , , title]) => {
  const frame = "<div class=scroll tabindex=-1></div>";
  if (title) return `<details><summary>${title}</summary>${frame}</details>`; //: layers
  return frame;
}).join("");
$slider.max = last;
document.oninput = (event) => {
  const field = event.target;
  if (field === $slider) show(+field.value);
  if (field.closest("tr")) edit(field);
};
const actions = {
  back: () => show(now - 1),
  next: () => show(now + 1),
  check: () =>
    leaves.forEach((node, i) => {
      if (!isSmall(node)) return; //: arrays
      if (gradients[node] >= 0) $inputs.rows[i].cells[3].innerHTML = inline(differences(places[node]), node);
    }),
  reset: () => {
    start.forEach((value, i) => (tape[i] = value));
    losses = []; //: descent
    $losses.innerHTML = ""; //: descent
    refresh();
  },
  once: () => descend(1), //: descent
  often: () => descend(10), //: descent
};
document.onclick = (event) => actions[event.target.id]?.();
document.onkeydown = (event) => {
  const step = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
  if (step === undefined || event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input,summary,.scroll")) return;
  event.preventDefault();
  show(step);
};
window.onhashchange = () => show(parseInt(location.hash.slice(1)));
now = /^#\d+$/.test(location.hash) ? +location.hash.slice(1) : last;
refresh();
