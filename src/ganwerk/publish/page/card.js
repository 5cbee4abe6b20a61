// card.md as elements. All of it is set as text, so that nothing in it can be anything else.

function element(name, text) {
  const found = document.createElement(name);
  if (text !== undefined) found.textContent = text;
  return found;
}

const cells = (line) => line.split("|").slice(1, -1).map((cell) => cell.trim());

function table(lines) {
  const found = element("table");
  const rows = lines.filter((line) => !/^[\s|:-]+$/.test(line));
  rows.forEach((line, number) => {
    const row = element("tr");
    cells(line).forEach((cell) => {
      const made = element(number ? "td" : "th", cell);
      if (!number) made.scope = "col";
      row.append(made);
    });
    found.append(row);
  });
  const around = element("div");
  around.className = "scroll";
  around.append(found);
  return around;
}

function list(lines) {
  const found = element("ul");
  lines.forEach((line) => found.append(element("li", line.slice(2))));
  return found;
}

function block(text) {
  const lines = text.split("\n");
  if (text.startsWith("## ")) return element("h3", text.slice(3));
  if (text.startsWith("# ")) return element("h2", text.slice(2));
  if (lines.every((line) => line.startsWith("- "))) return list(lines);
  if (lines.every((line) => line.startsWith("|"))) return table(lines);
  return element("p", lines.join(" "));
}

export function cardOf(text) {
  return text.split(/\n{2,}/).map((part) => part.trim()).filter(Boolean).map(block);
}
