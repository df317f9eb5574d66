// ajv as a peer: JSON.parse and a compiled validator, in a process that waits for its slots.
//
// Arguments: the folder of the schemas, the model. It reads lines of JSON: {"load": path} reads a
// payload and checks that it is valid; {"calls": n} makes n calls and answers the seconds they
// took, the lower of wall time and processor time: being made to wait doesn't count against Node,
// nor does what V8's helper threads do beside.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const Ajv = require("ajv/dist/2020");

const [folder, model] = process.argv.slice(2);
const ajv = new Ajv({ allErrors: false });
for (const name of fs.readdirSync(folder)) {
  const schema = JSON.parse(fs.readFileSync(path.join(folder, name), "utf8"));
  // Formats stand in models that a request has nothing to do with.
  ajv.addSchema(schema, undefined, undefined, false);
  if (name === `${model}.json`) var id = schema.$id;
}
const validate = ajv.getSchema(id);
let payload;

function judge() {
  return validate(JSON.parse(payload.toString("utf8")));
}

function timed(calls) {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) judge();
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  const used = process.cpuUsage(cpu);
  return Math.min(wall, (used.user + used.system) / 1e6 || wall);
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  if (order.load) {
    payload = fs.readFileSync(order.load);
    if (!judge()) throw new Error(ajv.errorsText(validate.errors));
    const until = Date.now() + order.warm;
    while (Date.now() < until) judge();
    const version = require("ajv/package.json").version;
    console.log(JSON.stringify({ node: process.versions.node, ajv: version }));
  } else {
    console.log(JSON.stringify(timed(order.calls)));
  }
});
