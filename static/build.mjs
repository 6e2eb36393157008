// Builds static/dist from static/src and npm packages: app.css, app.js, check-in.js, qr-worker.js, fonts and
// icons under hashed names, and manifest.json, which maps plain names to hashed ones.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import * as sass from "sass";
import { themed } from "./src/themed.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "..", "node_modules");
const uswds = join(modules, "@uswds", "uswds");
const dist = join(here, "dist");
const manifest = {};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

function put(name, content) {
  const extension = extname(name);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 10);
  manifest[name] = `${name.slice(0, -extension.length)}-${hash}${extension}`;
  writeFileSync(join(dist, manifest[name]), content);
  return manifest[name];
}

// Fonts and icons first: the style refers to their hashed names.
const found = new Map();
function resolved(url) {
  if (/^(data:|#)/.test(url) || url === "") return url;
  if (!found.has(url)) {
    const source = url.startsWith("uswds/") ? join(uswds, "dist", url.slice(6)) : join(here, "src", url);
    found.set(url, put(url.split("/").pop(), readFileSync(source)));
  }
  return found.get(url);
}

const options = {
  loadPaths: [join(uswds, "packages")],
  quietDeps: true,
  logger: sass.Logger.silent,
};
const library = sass.compile(join(here, "src", "uswds.scss"), options).css;
const own = sass.compile(join(here, "src", "app.scss"), { ...options, logger: undefined }).css;
const css = `${themed(library)}\n${own}`.replace(/url\((["']?)([^"')]*)\1\)/g, (_, quote, url) => `url("${resolved(url)}")`);
const minified = await esbuild.transform(css, { loader: "css", minify: true, target: ["chrome109", "firefox115", "safari16"] });
put("app.css", minified.code);

// qr-scanner carries its worker as text for a blob; a file of its own keeps the content security policy strict.
async function workerSource() {
  let text = "";
  const before = { Blob: globalThis.Blob, Worker: globalThis.Worker, create: URL.createObjectURL };
  globalThis.Blob = function Blob(parts) { text = parts.join(""); };
  globalThis.Worker = function Worker() {};
  URL.createObjectURL = () => "";
  const { createWorker } = await import(join(modules, "qr-scanner", "qr-scanner-worker.min.js"));
  createWorker();
  globalThis.Blob = before.Blob;
  globalThis.Worker = before.Worker;
  URL.createObjectURL = before.create;
  if (text.length < 1000) throw new Error("qr-scanner: the worker's text was not found");
  return text;
}
put("qr-worker.js", await workerSource());

for (const name of ["app.js", "check-in.js"]) {
  const built = await esbuild.build({
    entryPoints: [join(here, "src", name)],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["chrome109", "firefox115", "safari16"],
    legalComments: "inline",
    // the worker's text must not be bundled a second time
    external: ["./qr-scanner-worker.min.js"],
    logLevel: "warning",
  });
  put(name, built.outputFiles[0].contents);
}
put("mark.svg", readFileSync(join(here, "src", "mark.svg")));

writeFileSync(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`static/dist: ${Object.keys(manifest).length} files, app.css ${Math.round(minified.code.length / 1000)} kB`);
