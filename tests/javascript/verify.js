// Reads a line of JSON from stdin: [{secret, body, headers}, …]. Answers with one: for each, whether it verifies.
const { Webhook, WebhookVerificationError } = require("standardwebhooks");

const verifies = ({ secret, body, headers }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
};

const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(asked.map(verifies)));
