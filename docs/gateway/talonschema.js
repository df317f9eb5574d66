// Both legs of talonschema for nginx: asks before a call on a session goes to the API, and tells
// what the API answered. See nginx.conf beside this file for how it is wired.

const TOKEN = 'X-Talonschema-Token';

// Headers that belong to one connection, or that nginx sets itself.
const OWN = ['connection', 'content-length', 'date', 'keep-alive', 'server', 'transfer-encoding'];

async function judge(r) {
    // Without a body of their own, subrequests send that of the request.
    const verdict = await r.subrequest('/-/talonschema/check', { method: r.method });
    if (verdict.status !== 200) {
        if (verdict.status < 500) {
            answer(r, verdict);
        } else if (r.variables.talonschema_fail_open) {
            r.internalRedirect('@api');
        } else {
            r.return(503);
        }
        return;
    }
    const token = verdict.headersOut[TOKEN];
    if (!token) {
        r.internalRedirect('@api');
        return;
    }
    const answered = await r.subrequest('/-/talonschema/api', { method: r.method });
    r.variables.talonschema_token = token;
    r.variables.talonschema_status = answered.status;
    r.variables.talonschema_encoding = answered.headersOut['Content-Encoding'] || '';
    // The client has to wait: one that came back before this is done would meet the old state.
    await r.subrequest('/-/talonschema/observe', {
        method: 'POST',
        body: answered.responseBuffer,
    });
    answer(r, answered, verdict.headersOut['X-Talonschema-Warnings']);
}

function answer(r, reply, warnings) {
    const headers = {};
    reply.rawHeadersOut.forEach((header) => {
        const name = header[0].toLowerCase();
        if (OWN.indexOf(name) < 0) {
            headers[name] = (headers[name] || []).concat(header[1]);
        }
    });
    Object.keys(headers).forEach((name) => {
        r.headersOut[name] = name === 'set-cookie' ? headers[name] : headers[name].join(', ');
    });
    // It isn't among the raw ones.
    r.headersOut['Content-Type'] = reply.headersOut['Content-Type'] || '';
    if (warnings) {
        r.headersOut['X-Talonschema-Warnings'] = warnings;
    }
    r.return(reply.status, reply.responseBuffer);
}

export default { judge };
