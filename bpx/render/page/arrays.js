// The ops of whole arrays. Arrays are flat lists; where elements stand is worked out before the page is written.

// For each index of `shape`, f gets the places in several arrays: each has a step for each axis, and a start.
const each = (shape, steps, f) => {
  const count = shape.reduce((n, length) => n * length, 1), axes = shape.length;
  for (let i = 0; i < count; i++) {
    const at = steps.map((step) => step[axes]);
    for (let axis = axes, rest = i; axis--; ) {
      const j = rest % shape[axis];
      rest = (rest - j) / shape[axis];
      steps.forEach((step, k) => (at[k] += step[axis] * j));
    }
    f(at);
  }
};

// Sums of products, as einsum has them: into `n` elements; the steps of the result, of each array, the arrays.
const sums = (n, shape, into, ...more) => {
  const half = more.length / 2, result = Array(n).fill(0);
  each(shape, [into, ...more.slice(0, half)], ([at, ...places]) => {
    result[at] += places.reduce((product, place, k) => product * more[half + k][place], 1);
  });
  return result;
};

// Elements by their places in all arrays one behind the other; 0 at -1.
const moved = (places, ...arrays) => {
  const all = arrays.flat();
  return places.map((place) => (place < 0 ? 0 : all[place]));
};

const added = (n, places, x) => {
  const result = Array(n).fill(0);
  places.forEach((place, i) => (result[place] += x[i]));
  return result;
};

// A function of each stretch of n elements.
const lanes = (f, n, x) => {
  const result = [];
  for (let i = 0; i < x.length; i += n) result.push(f(x.slice(i, i + n), n));
  return result.flat();
};

const rows = (width, table, ids) =>
  ids.flatMap((id) => Array.from({ length: width }, (_, j) => table[id * width + j] ?? NaN));

const scatter = (n, width, x, ids) => {
  const result = Array(n * width).fill(0);
  ids.forEach((id, i) => {
    for (let j = 0; j < width; j++) result[id * width + j] += x[i * width + j];
  });
  return result;
};

const one_hot = (n, ids) => ids.flatMap((id) => Array.from({ length: n }, (_, k) => +(k === id)));

const pick = (width, x, ids) => ids.map((id, i) => x[i * width + id] ?? NaN);

const total = (x) => x.reduce((sum, each) => sum + each, 0);

const prod = (x) => x.reduce((product, each) => product * each, 1);

const amax = (x) => x.reduce((a, b) => Math.max(a, b), -Infinity);

const amin = (x) => x.reduce((a, b) => Math.min(a, b), Infinity);

const argmax = (x) => x.indexOf(amax(x));

const softmax = (x) => {
  const top = amax(x), shares = x.map((each) => Math.exp(each - top)), sum = total(shares);
  return shares.map((share) => share / sum);
};

// log Σ exp(x - top): the largest has a share of 1, which log1p keeps apart.
const log_of_shares = (x, top) => {
  const first = x.indexOf(top);
  return Math.log1p(total(x.map((each, i) => (i === first ? 0 : Math.exp(each - top)))));
};

const logsumexp = (x) => {
  const top = amax(x);
  return top === -Infinity ? top : top + log_of_shares(x, top);
};

const log_softmax = (x) => {
  const top = amax(x), rest = log_of_shares(x, top);
  return x.map((each) => each - top - rest);
};

const cumsum = (x) => {
  let sum = 0;
  return x.map((each) => (sum += each));
};

const cumprod = (x) => {
  let product = 1;
  return x.map((each) => (product *= each));
};

const ascending = (x) => [...x].sort((a, b) => a - b);

const descending = (x) => [...x].sort((a, b) => b - a);

// Gauss and Jordan with pivots: the determinant, and the inverse in place of a unit matrix.
const eliminated = (x) => {
  const n = Math.sqrt(x.length);
  const m = Array.from({ length: n }, (_, i) => [...x.slice(i * n, i * n + n), ...one_hot(n, [i])]);
  let determinant = 1;
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k; i < n; i++) if (Math.abs(m[i][k]) > Math.abs(m[best][k])) best = i;
    [m[k], m[best]] = [m[best], m[k]];
    const pivot = m[k][k];
    determinant *= best === k ? pivot : -pivot;
    if (pivot === 0) return [0, m];
    m[k] = m[k].map((each) => each / pivot);
    m.forEach((row, i) => {
      const factor = row[k];
      if (i !== k) m[i] = row.map((each, j) => each - factor * m[k][j]);
    });
  }
  return [determinant, m];
};

const det = (x) => eliminated(x)[0];

const inv = (x) => {
  const n = Math.sqrt(x.length);
  return eliminated(x)[1].flatMap((row) => row.slice(n));
};

const cofactor = (x) => {
  const n = Math.sqrt(x.length);
  return x.map((_, at) => {
    const row = Math.floor(at / n), column = at % n;
    const minor = x.filter((_, k) => Math.floor(k / n) !== row && k % n !== column);
    return det(minor) * ((row + column) % 2 ? -1 : 1);
  });
};

const logdet = (x) => {
  const determinant = det(x);
  return Math.log(Math.abs(determinant));
};

const cholesky = (x) => {
  const n = Math.sqrt(x.length), l = Array(n * n).fill(0);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let rest = x[i * n + j];
      for (let k = 0; k < j; k++) rest -= l[i * n + k] * l[j * n + k];
      l[i * n + j] = i === j ? Math.sqrt(rest) : rest / l[j * n + j];
    }
  return l;
};

// Eigenvalues, ascending, each with its unit vector, of the symmetric matrix with the lower triangle of x; Jacobi.
const eigen = (x) => {
  const n = Math.sqrt(x.length), unit = (i) => one_hot(n, [i]);
  const m = Array.from({ length: n }, (_, i) => unit(0).map((_, j) => x[Math.max(i, j) * n + Math.min(i, j)]));
  const v = m.map((_, i) => unit(i));
  for (let sweep = 0; sweep < 30; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        if (m[p][q] === 0) continue;
        const theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1)), c = 1 / Math.hypot(t, 1), s = t * c;
        const turn = (a, b) => [c * a - s * b, s * a + c * b];
        for (let k = 0; k < n; k++) [m[k][p], m[k][q]] = turn(m[k][p], m[k][q]);
        for (let k = 0; k < n; k++) [m[p][k], m[q][k]] = turn(m[p][k], m[q][k]);
        for (let k = 0; k < n; k++) [v[k][p], v[k][q]] = turn(v[k][p], v[k][q]);
      }
  return m.map((row, i) => [row[i], v.map((each) => each[i])]).sort((a, b) => a[0] - b[0]);
};

const eigvalsh = (x) => eigen(x).map(([value]) => value);

const eigenprojections = (x) => eigen(x).flatMap(([, vector]) => vector.flatMap((a) => vector.map((b) => a * b)));
