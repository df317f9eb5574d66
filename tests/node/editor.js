// The language services that VS Code has for JSON and its extension for YAML. Standard input holds
// {"folder", "settings", "file", "text", "at"}: the workspace, its settings.json, and a file in it
// with a place for completions. The answer is {"problems", "completions"}.
"use strict";

const fs = require("node:fs");
const { pathToFileURL } = require("node:url");
const json = require("vscode-json-languageservice");
const yaml = require("yaml-language-server");
const { TextDocument } = require("vscode-languageserver-textdocument");

const order = JSON.parse(fs.readFileSync(0, "utf8"));
const root = pathToFileURL(`${order.folder}/`);
const resolve = (path) => new URL(path, root).href;
const read = async (uri) => fs.readFileSync(new URL(uri), "utf8");
const workspaceContext = { resolveRelativePath: (path, base) => new URL(path, base).href };

function jsonService() {
  const service = json.getLanguageService({ schemaRequestService: read, workspaceContext });
  const schemas = order.settings["json.schemas"].map(({ url, fileMatch }) => ({
    uri: resolve(url),
    fileMatch,
  }));
  service.configure({ validate: true, schemas });
  return {
    problems: (document) => service.doValidation(document, service.parseJSONDocument(document)),
    completions: (document, position) =>
      service.doComplete(document, position, service.parseJSONDocument(document)),
  };
}

function yamlService() {
  const telemetry = { send() {}, sendError() {}, sendTrack() {} };
  const service = yaml.getLanguageService({
    schemaRequestService: read,
    workspaceContext,
    telemetry,
    clientCapabilities: {},
  });
  const schemas = Object.entries(order.settings["yaml.schemas"]).map(([url, fileMatch]) => ({
    uri: resolve(url),
    fileMatch: [fileMatch].flat(),
  }));
  service.configure({ validate: true, completion: true, schemas });
  return {
    problems: (document) => service.doValidation(document, false),
    completions: (document, position) => service.doComplete(document, position, false),
  };
}

async function main() {
  const language = order.file.endsWith(".json") ? "json" : "yaml";
  const service = language === "json" ? jsonService() : yamlService();
  const document = TextDocument.create(resolve(order.file), language, 1, order.text);
  const problems = await service.problems(document);
  const offered = await service.completions(document, document.positionAt(order.at));
  const answer = {
    problems: problems.map((each) => each.message),
    completions: offered.items.map((each) => each.label),
  };
  console.log(JSON.stringify(answer));
}

main();
