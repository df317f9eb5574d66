// A shop that keeps a session by the official SDK for JavaScript: node shop.js URL SESSION.
// Prints what came of each call: the state in the answer, or the status and body of a refusal.
"use strict";

const sdk = require("talon_one");

const [, , url, session] = process.argv;
const client = sdk.ApiClient.instance;
client.basePath = url;
Object.assign(client.authentications.api_key_v1, { apiKey: "a1b2c3", apiKeyPrefix: "ApiKey-v1" });
const api = new sdk.IntegrationApi();

function update(state, options) {
  const body = { customerSession: { profileId: "cust-1", state }, responseContent: ["customerSession"] };
  return api.updateCustomerSessionV2(session, body, options);
}

function giveBack(options) {
  const body = {
    return: { returnedCartItems: [{ position: 0, quantity: 1 }] },
    responseContent: ["customerSession"],
  };
  return api.returnCartItems(session, body, options);
}

const calls = [
  () => update("open", { dry: false }),
  () => update("closed", { dry: true }),
  () => update("closed", {}),
  () => giveBack({ dry: true }),
  () => update("open", {}),
  () => api.reopenCustomerSession(session),
  () => update("closed", {}),
  () => giveBack({ dry: false }),
];

async function main() {
  const results = [];
  for (const call of calls) {
    try {
      const answer = await call();
      results.push(answer.customerSession ? answer.customerSession.state : null);
    } catch (error) {
      results.push({ status: error.status, body: error.response && error.response.body });
    }
  }
  console.log(JSON.stringify(results));
}

main();
