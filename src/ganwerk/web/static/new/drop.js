// What was dropped or chosen, as a list of {file, path}: folders with all that is in them.

const PICTURE = /\.(apng|avif|bmp|dds|dib|gif|ico|j2k|jfif|jp2|jpe|jpeg|jpg|jpx|pbm|pcx|pfm|pgm|png|pnm|ppm|sgi|tga|tiff?|webp)$/i;

export const isPicture = (path) =>
  PICTURE.test(path) && !path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");

// Entries of a drop. The list of the event is gone after the first pause, so it is read at once.
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

async function walk(entry, folder, found) {
  const path = folder ? `${folder}/${entry.name}` : entry.name;
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    found.push({ file, path });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A browser gives a hundred at a time, then none
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return;
    for (const inner of some) await walk(inner, path, found);
  }
}

// Files of an <input>
export const picked = (files) =>
  [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

// The name of the set, and each path inside of it: one folder gives its name to the set.
export function asSet(found, now) {
  const pictures = found.filter(({ path }) => isPicture(path));
  const tops = new Set(pictures.map(({ path }) => (path.includes("/") ? path.split("/")[0] : "")));
  const [top] = tops;
  const one = tops.size === 1 && top;
  const stamp = now.toISOString().slice(0, 16).replace("T", "-").replace(":", "");
  return {
    name: one ? top : `pictures-${stamp}`,
    files: one ? pictures.map(({ file, path }) => ({ file, path: path.slice(top.length + 1) })) : pictures,
    passed: found.length - pictures.length,
  };
}
