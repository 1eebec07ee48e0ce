// Runs inside of a page: works its controls as a person would, and gives back what came of it.
// `edits` are [input, text, {node: value}, {node: gradient}]: what the tables must say afterwards.

const text = (element) => element.textContent;

const cellsOf = (body) => [...document.querySelectorAll(`#${body} tr`)].map((row) => [...row.children].map(text));

const press = (target, key) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

var drive = (edits) => {
  const slider = document.getElementById("slider"), last = +slider.max, found = {};
  found.nodes = cellsOf("nodes");
  found.edges = cellsOf("edges");
  found.inputs = cellsOf("inputs");
  found.last = last;
  press(document.body, "Home");
  found.atStart = [slider.value, document.getElementById("back").disabled, cellsOf("edges").flatMap((row) => [row[1], row[4]]).join("")];
  found.steps = [];
  for (let step = 0; step < Math.min(last, 12); step++) {
    press(document.body, "ArrowRight");
    found.steps.push(document.getElementById("sentence").textContent);
  }
  found.lit = document.querySelectorAll("tr.now").length;
  press(document.body, "End");
  found.again = cellsOf("nodes");
  document.getElementById("back").click();
  found.back = slider.value;
  slider.value = last;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  const cards = [...document.querySelectorAll("#pictures > .scroll .card")];
  cards[0].focus();
  const walked = [document.activeElement.getAttribute("aria-label")];
  for (let i = 0; i < 3; i++) {
    press(document.activeElement, "ArrowRight");
    walked.push(document.activeElement.getAttribute("aria-label"));
  }
  found.walked = walked;
  found.about = document.getElementById("about").textContent;
  found.edits = edits.map(([input, value]) => {
    const field = [...document.querySelectorAll("#inputs tr")].find((row) => text(row.children[0]) === input)?.querySelector("input");
    if (!field) return null;
    const before = slider.value;
    press(field, "ArrowLeft");
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return [slider.value === before, cellsOf("nodes"), field.getAttribute("aria-invalid")];
  });
  const field = document.querySelector("#inputs input");
  if (field) {
    field.value = "1 2 x";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    found.refused = [field.getAttribute("aria-invalid"), document.getElementById("wrong").textContent];
  }
  document.getElementById("reset").click();
  found.reset = cellsOf("nodes");
  document.getElementById("check").click();
  found.checked = cellsOf("inputs");
  if (document.getElementById("often")) {
    document.getElementById("often").click();
    found.descended = document.getElementById("losses").textContent;
    document.getElementById("reset").click();
  }
  found.targets = [...document.querySelectorAll("button,input,summary")].map((each) => each.getBoundingClientRect()).filter((box) => box.height && (box.height < 24 || box.width < 24)).length;
  found.requests = performance.getEntriesByType("resource").length;
  found.wide = document.documentElement.scrollWidth > innerWidth;
  return found;
};
