// Reads each diagram of the pages that are given, and names those that can't be drawn.

import { readFileSync } from "node:fs";
import DOMPurify from "dompurify";
import mermaid from "mermaid";

// Cleans what a browser draws; nothing is drawn here, and there is no document to clean it in.
DOMPurify.addHook = () => {};
DOMPurify.sanitize = (text) => text;

for (const page of process.argv.slice(2)) {
  for (const [, text] of readFileSync(page, "utf8").matchAll(/^```mermaid\n(.*?)^```$/gms)) {
    await mermaid.parse(text).catch((error) => {
      console.error(`${page}: ${error.message}`);
      process.exitCode = 1;
    });
  }
}
