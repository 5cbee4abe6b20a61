// The worker that draws: it loads runtime and graphs and turns places into pixels, so that the page
// never waits. Messages in: {kind: "open", files, sizes}, {kind: "draw", id, place, urgent},
// {kind: "forget"} what is not urgent. Messages out: progress, ready, engine, drawn, failed.

import { Space } from "./places.js";

class Trouble extends Error {} // with a sentence for the visitor

const ALIKE = 0.02; // of a picture in [-1, 1]
let queue = []; // the urgent ones in front
let drawing = null; // (place) => pixels
let busy = false;

self.onmessage = async ({ data }) => {
  if (data.kind === "open") await open(data);
  if (data.kind === "draw") queue = data.urgent ? [data, ...queue] : [...queue, data];
  if (data.kind === "forget") queue = queue.filter((asked) => asked.urgent);
  if (drawing && !busy) await work();
};

async function open({ files, sizes }) {
  try {
    const load = loader(files, sizes);
    const about = JSON.parse(new TextDecoder().decode(await load("space.json")));
    const [wasm, styles, picture] = await Promise.all([
      load("runtime.wasm"), load("styles.onnx"), load("picture.onnx"),
    ]);
    self.postMessage({ kind: "progress", share: 1 });
    const models = { styles, picture };
    const engine = await engineOf(files["runtime.js"], wasm, models, "wasm");
    const space = new Space(about, engine.enter);
    let paint = engine.paint;
    drawing = async (told) => pixels(await paint(await space.place(told)), about.picture);
    self.postMessage({ kind: "ready", about });
    const faster = await onGraphics(files, load, models, engine, space);
    if (faster) paint = faster.paint;
    self.postMessage({ kind: "engine", name: faster ? "webgpu" : "wasm" });
  } catch (error) {
    fail(error);
  }
}

async function work() {
  busy = true;
  while (queue.length) {
    const { id, place } = queue.shift();
    try {
      const drawn = await drawing(place);
      self.postMessage({ kind: "drawn", id, pixels: drawn }, [drawn.buffer]);
    } catch (error) {
      fail(error);
    }
    await breath();
  }
  busy = false;
}

// Lets messages in; a timer would wait for four milliseconds.
function breath() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resume) => {
    port1.onmessage = () => {
      port1.close();
      resume();
    };
    port2.postMessage(null);
  });
}

function fail(error) {
  const plain = error instanceof Trouble ? error.message : `The generator could not be started: ${error.message ?? error}`;
  self.postMessage({ kind: "failed", text: plain });
}

// Loading ------------------------------------------------------------------------------------

// files: name to an address, or to the bytes themselves. sizes: name to bytes as stored.
function loader(files, sizes) {
  const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  let done = 0;
  const count = (bytes) => {
    done += bytes;
    self.postMessage({ kind: "progress", share: Math.min(1, done / total) });
  };
  return async (name) => {
    const stored = typeof files[name] === "string" ? await fetched(name, files[name], count) : files[name];
    const content = new Uint8Array(stored);
    const whole = isGzip(content) ? await unpacked(content, name) : content;
    if (name.endsWith(".onnx") && sizes[name] !== content.length) {
      throw new Trouble(`The file ${name} is damaged: it has ${content.length} bytes instead of ${sizes[name]}. Loading the page again may help; else it must be published again.`);
    }
    return whole;
  };
}

async function fetched(name, address, count) {
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    throw new Trouble(`The file ${name} could not be loaded. Is there a connection? Load the page again.`);
  }
  if (!answer.ok) throw new Trouble(`The file ${name} is not there (the server says ${answer.status}).`);
  const parts = [];
  const reader = answer.body.getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    parts.push(step.value);
    count(step.value.length);
  }
  return new Blob(parts).arrayBuffer();
}

// Files are stored packed, whatever the host does; a host that says so has unpacked them already.
const isGzip = (bytes) => bytes[0] === 0x1f && bytes[1] === 0x8b;

async function unpacked(bytes, name) {
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Trouble(`The file ${name} is damaged. Loading the page again may help; else it must be published again.`);
  }
}

// Computing ----------------------------------------------------------------------------------

// The graphics processor, if the site has a runtime for it, one answers, and it draws the same. The
// first picture does not wait for it.
async function onGraphics(files, load, models, engine, space) {
  if (!files["runtime-gpu.js"] || !("Suspending" in WebAssembly) || !(await adapter())) return null;
  try {
    const wasm = await load("runtime-gpu.wasm");
    const other = await engineOf(files["runtime-gpu.js"], wasm, models, "webgpu");
    const place = await space.place({ seed: 0n, label: null, psi: 1, moves: [] });
    const [a, b] = [await engine.paint(place), await other.paint(place)];
    return a.every((x, i) => Math.abs(x - b[i]) < ALIKE) ? other : null;
  } catch {
    return null; // then all goes on as it is
  }
}

async function adapter() {
  try {
    return await navigator.gpu?.requestAdapter();
  } catch {
    return null;
  }
}

// runtime: its address or its text. models: the two graphs.
async function engineOf(runtime, wasm, { styles, picture }, provider) {
  const address = typeof runtime === "string" ? runtime
    : URL.createObjectURL(new Blob([runtime], { type: "text/javascript" }));
  const ort = await import(address);
  ort.env.logLevel = "fatal";
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = wasm;
  const graph = async (model, name, where) => {
    try {
      const options = { executionProviders: [where], logSeverityLevel: 4 };
      return await ort.InferenceSession.create(model, options);
    } catch (error) {
      throw new Trouble(`The model ${name} cannot be read: it is damaged, or this browser lacks something it needs. (${String(error.message ?? error).slice(0, 160)})`);
    }
  };
  const entering = await graph(styles, "styles.onnx", "wasm");
  const painting = await graph(picture, "picture.onnx", provider);
  const run = async (session, first, shape, shares) => {
    const given = { [session.inputNames[0]]: new ort.Tensor("float32", first, shape) };
    if (session.inputNames.includes("shares")) given.shares = new ort.Tensor("float32", shares, [1, shares.length]);
    return (await session.run(given))[session.outputNames[0]];
  };
  let layers, size; // of the styles, as the first graph gives them
  return {
    enter: async (z, shares) => {
      const found = await run(entering, z, [1, z.length], shares);
      [, layers, size] = found.dims;
      return Float32Array.from(found.data);
    },
    paint: async ({ styles: at, shares }) => (await run(painting, at, [1, layers, size], shares)).data,
  };
}

// A picture (C, H, W) in [-1, 1] to RGBA: floor(clip(127.5 x + 128, 0, 255)), as ganwerk does.
function pixels(picture, { resolution, channels }) {
  const area = resolution * resolution;
  if (picture.length !== channels * area) throw new Trouble("The model draws pictures of another size than it says.");
  const found = new Uint8ClampedArray(4 * area).fill(255);
  const grey = (x) => Math.floor(Math.min(255, Math.max(0, Math.fround(Math.fround(x * 127.5) + 128))));
  for (let c = 0; c < Math.max(3, channels); c++) {
    const plane = (channels === 1 ? 0 : c) * area;
    for (let i = 0; i < area; i++) found[4 * i + c] = grey(picture[plane + i]);
  }
  return found;
}
