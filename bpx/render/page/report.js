"use strict";
// A click on a header sorts its table; numbers by their size, other cells as text.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  const key = (row, at) => row.cells[at].textContent.trim();
  const size = (text) => parseFloat(text.replace(/^[<\s]+/, ""));
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    if (!head.textContent) return;
    const button = document.createElement("button");
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.onclick = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows];
      const numbers = rows.every((row) => !key(row, at) || !isNaN(size(key(row, at))));
      rows.sort((one, two) => {
        const [a, b] = [key(one, at), key(two, at)];
        if (!a || !b) return !a - !b;
        return (down ? -1 : 1) * (numbers ? size(a) - size(b) : a.localeCompare(b));
      });
      body.append(...rows);
    };
  });
}
