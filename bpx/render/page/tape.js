// Runs a tape: the value of each entry, a flat list.

const valueOf = ([f, ...args], values) => {
  const xs = args.map((arg) => values[arg]);
  if (Array.isArray(f)) return f[0](...f.slice(1), ...xs);
  const count = xs.some((x) => !x.length) ? 0 : Math.max(...xs.map((x) => x.length));
  return Array.from({ length: count }, (_, i) => f(...xs.map((x) => x[i % x.length])));
};

const isLeaf = (entry) => !entry.length || typeof entry[0] === "number";

const run = (tape, count = tape.length) => {
  const values = [];
  for (let i = 0; i < count; i++) values.push(isLeaf(tape[i]) ? tape[i] : valueOf(tape[i], values));
  return values;
};
