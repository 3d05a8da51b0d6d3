// Build the bundle into maps/static, with the licences of what went into it; `--tests` builds test/ instead.
import { build } from "esbuild";
import { mkdirSync, readdirSync, readFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const web = dirname(fileURLToPath(import.meta.url));
// Leaflet as modules: its other form lies in three functions, and a browser reads its whole text for each of them.
const flatLeaflet = {
  name: "flat-leaflet",
  setup(builder) {
    builder.onResolve({ filter: /^leaflet$/ }, () => ({ path: join(web, "node_modules", "leaflet", "dist", "leaflet-src.esm.js") }));
  },
};
const common = {
  absWorkingDir: web, bundle: true, logLevel: "warning", legalComments: "none", charset: "utf8", plugins: [flatLeaflet],
  // Leaflet asks a browser for VML by an error that it catches: to tell where, the whole program is read once more.
  define: { "document.namespaces.add": "String" },
};

if (process.argv.includes("--tests")) {
  const outdir = join(web, "node_modules", ".tests");
  rmSync(outdir, { recursive: true, force: true });
  const entryPoints = readdirSync(join(web, "test")).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...common,
    entryPoints: entryPoints.map((name) => join("test", name)),
    outdir,
    outExtension: { ".js": ".mjs" },
    platform: "node",
    format: "esm",
    target: "node20",
  });
} else {
  const outdir = join(web, "..", "static");
  mkdirSync(outdir, { recursive: true });
  const result = await build({
    ...common,
    // Pages of the service have bundles of their own, so that the file for a meeting stays small.
    entryPoints: { weige: "src/main.ts", plans: "src/plans.ts", cases: "src/cases.ts" },
    outdir,
    format: "iife",
    minify: true,
    metafile: true,
    // The oldest browser a meeting room is allowed to have.
    target: "chrome78",
    loader: { ".png": "dataurl", ".svg": "dataurl" },
  });
  writeFileSync(join(outdir, "THIRD_PARTY.txt"), licences(Object.keys(result.metafile.inputs)));
}

/** The licence texts of every package of which at least one file is in the bundle. */
function licences(inputs) {
  const names = new Set();
  for (const input of inputs) {
    const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) names.add(match[1]);
  }
  return [...names]
    .sort()
    .map((name) => {
      const folder = join(web, "node_modules", name);
      const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE"].find((each) => existsSync(join(folder, each)));
      if (!file) throw new Error(`${name} ${about.version} has no licence file`);
      return `${name} ${about.version} (${about.license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
    })
    .join(`\n${"-".repeat(78)}\n\n`);
}
