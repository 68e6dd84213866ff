// Builds /admin/ into dist/admin: index.html, and assets named after their content, each with a compressed copy
// beside it. The gateway reads the folder at start (gateway/pages/pages.h).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { defineConfig } from "vite";

// Always the same bytes for the same content: level and header are fixed.
function compressedCopies() {
  return {
    name: "compressed-copies",
    closeBundle() {
      for (const folder of ["dist/admin", "dist/admin/assets"])
        for (const file of readdirSync(folder, { withFileTypes: true }))
          if (file.isFile() && !file.name.endsWith(".gz"))
            writeFileSync(`${folder}/${file.name}.gz`, gzipSync(readFileSync(`${folder}/${file.name}`), { level: 9 }));
    },
  };
}

export default defineConfig({
  root: "admin",
  base: "/admin/",
  publicDir: false,
  clearScreen: false,
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    outDir: "../dist/admin",
    emptyOutDir: true,
    target: "es2022",
    // The policy allows no inline script, and data: for images only.
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  plugins: [compressedCopies()],
});
