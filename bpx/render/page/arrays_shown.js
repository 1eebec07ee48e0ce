// How arrays are shown: flat lists, in the shape of a node.

const norm = (x) => said_norm(number(Math.hypot(...x)));

const list = (texts) => `[${texts.join(", ")}]`;

// The texts in rows of this width, each by f.
const inRows = (texts, width, f) =>
  Array.from({ length: width ? texts.length / width : 1 }, (_, i) => f(texts.slice(i * width, i * width + width)));

// A number, up to three rows of three; of larger arrays the beginning and the norm.
const lines = (x, node) => {
  const shape = shapes[node], texts = x.map(number);
  if (!shape || x[0] === undefined) return [shape ? "[]" : texts[0]];
  const width = shape.at(-1), long = shape.length > 2 || width > 3 || x.length > 9;
  return long ? [list([...texts.slice(0, 2), "…"]), norm(x)] : inRows(texts, width, list);
};

// In one line, up to 16 elements in full.
const inline = (x, node) => {
  const shape = shapes[node];
  return !shape || x.length > 16 ? lines(x, node).join(" ") : shape.reduceRight((texts, width) => inRows(texts, width, list), x.map(number))[0];
};

const oneLine = (x, node) => (shapes[node] && (shapes[node].length > 1 || x.length > 3) ? norm(x) : inline(x, node));

const inField = (x, node) =>
  inRows(x, shapes[node]?.length > 1 ? shapes[node].at(-1) : x.length, (row) => row.join(", ")).join("; ");

const isSmall = (node) => tape[places[node]].length <= 64;

// What the gradient is of: the output, each element times its weight.
const weighted = (results) => {
  const seed = values[gradients[output]];
  return results[places[output]].reduce((sum, x, i) => sum + x * seed[i % seed.length], 0);
};
