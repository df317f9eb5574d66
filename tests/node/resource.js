// Validates a resource of Istio by its published schema: reads JSON, and fails with what is wrong.
const resource = JSON.parse(require("fs").readFileSync(0, "utf8"));
const models = require(`@kubernetes-models/istio/${resource.apiVersion}/${resource.kind}`);
new models[resource.kind](resource).validate();
