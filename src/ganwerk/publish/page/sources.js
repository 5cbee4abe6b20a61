// Where the page's files are: beside it, listed in site.json, or inside it, where the page is all in
// one file.

function bytesOf(text) {
  const binary = atob(text.trim());
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

// {files: name to address or bytes, sizes, card: its text, worker}
export async function sources() {
  const inside = [...document.querySelectorAll("script[data-file]")];
  if (!inside.length) return beside();
  const files = Object.fromEntries(inside.map((part) => [part.dataset.file, bytesOf(part.textContent)]));
  inside.forEach((part) => part.remove());
  const text = (name) => new TextDecoder().decode(files[name]);
  const address = URL.createObjectURL(new Blob([files["painter.js"]], { type: "text/javascript" }));
  const sizes = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.length]));
  // Not a module: a page that is a file may not start one, and without imports it need not be
  return { files, sizes, card: text("card.md"), worker: new Worker(address) };
}

async function beside() {
  const site = await (await fetch("site.json")).json();
  const entries = Object.entries(site.files);
  const files = Object.fromEntries(entries.map(([name, { path }]) => [name, new URL(path, document.baseURI).href]));
  const first = entries.filter(([name]) => !name.startsWith("runtime-gpu"));
  const sizes = Object.fromEntries(first.map(([name, { bytes }]) => [name, bytes]));
  const card = await (await fetch(files["card.md"])).text();
  return { files, sizes, card, worker: new Worker("painter.js", { type: "module" }) };
}
