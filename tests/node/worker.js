// ajv, asked line by line. {"target", "schema", "formats"} compiles a schema and answers
// {"id", "notes"}: the number to ask it by, and what ajv logged. {"id", "payload"} validates a
// JSON text and answers {"valid"}. Whatever ajv throws is answered as {"error"}.
"use strict";

const readline = require("node:readline");
const classes = {
  "2020-12": require("ajv/dist/2020").default,
  "draft-07": require("ajv").default,
  "draft-04": require("ajv-draft-04").default,
};
const addFormats = require("ajv-formats").default;

const compiled = [];

function compile({ target, schema, formats }) {
  const notes = [];
  const note = (...words) => notes.push(words.join(" "));
  const ajv = new classes[target]({
    strict: true,
    validateFormats: formats,
    logger: { log: note, warn: note, error: note },
  });
  if (formats) addFormats(ajv);
  if (!ajv.validateSchema(schema)) throw new Error(ajv.errorsText());
  compiled.push(ajv.compile(schema));
  return { id: compiled.length - 1, notes };
}

function answer(line) {
  const order = JSON.parse(line);
  if ("schema" in order) return compile(order);
  return { valid: compiled[order.id](JSON.parse(order.payload)) };
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  let reply;
  try {
    reply = answer(line);
  } catch (error) {
    reply = { error: String(error) };
  }
  console.log(JSON.stringify(reply));
});
