-- Both legs of talonschema for HAProxy: asks before a call on a session goes to the API, and reports
-- the answer of the API. See haproxy.cfg beside this file for how it is wired.

-- Where `talonschema gateway` listens, each worker of it.
local WORKERS = {
    { "127.0.0.1", 8787 }, -- <--
}
local SECONDS = 1

-- The answer while talonschema can't be asked, in the form of the API's errors.
local UNAVAILABLE = [[{"message": "The request can't be processed", "errors": [{]]
    .. [["title": "Service Unavailable", "details": "the gate can't be asked, try again later", ]]
    .. [["source": {"pointer": ""}}]}]]

-- The headers that talonschema judges by and logs. The API key is not among them; add "authorization"
-- if [gateway.lookup] in talonschema.toml has no key_file.
local JUDGED = {
    "content-encoding", "content-type", "idempotency-key", "traceparent", "x-http-method",
    "x-http-method-override", "x-method-override", "x-request-id",
}

-- Sends one request to a worker; returns status, headers and body, or nil if there is no answer.
local function ask_worker(worker, method, target, headers, body)
    local socket = core.tcp()
    socket:settimeout(SECONDS)
    if not socket:connect(worker[1], worker[2]) then
        socket:close()
        return nil
    end
    local lines = { method .. " " .. target .. " HTTP/1.1", "host: talonschema", "connection: close" }
    for _, header in ipairs(headers) do
        lines[#lines + 1] = header[1] .. ": " .. header[2]
    end
    lines[#lines + 1] = "content-length: " .. #body
    local sent = socket:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. body)
    local line = sent and socket:receive("*l")
    local status = line and tonumber(line:match("^HTTP/1%.1 (%d%d%d)"))
    local fields = {}
    line = status and socket:receive("*l")
    while line and line:match("%S") do
        local name, value = line:match("^([^:]+):%s*(.-)%s*$")
        fields[name:lower()] = value
        line = socket:receive("*l")
    end
    local answer = ""
    local length = tonumber(fields["content-length"] or "0")
    if line and length > 0 then
        answer = socket:receive(length)
    end
    socket:close()
    if not (status and line and answer) then
        return nil
    end
    return status, fields, answer
end

local turn = 0

-- Sends one request to a worker, and to the next if that one does not answer; returns the same.
local function ask(method, target, headers, body)
    local started = core.now()
    turn = turn % #WORKERS + 1
    local at = turn
    for _ = 1, #WORKERS do
        local status, fields, answer = ask_worker(WORKERS[at], method, target, headers, body)
        local now = core.now()
        local spent = now.sec - started.sec + (now.usec - started.usec) / 1000000
        if status or spent >= SECONDS then
            return status, fields, answer
        end
        at = at % #WORKERS + 1
    end
    return nil
end

local function judge(txn)
    local received = txn.http:req_get_headers()
    -- The target travels in a header: in the request line, some of it would get lost.
    local headers = {
        { "x-forwarded-method", txn.f:method() },
        { "x-forwarded-uri", txn.f:url() },
    }
    for _, name in ipairs(JUDGED) do
        for _, value in pairs(received[name] or {}) do
            headers[#headers + 1] = { name, value }
        end
    end
    local body = txn.f:req_body() or ""
    local status, fields, answer = ask("POST", "/check", headers, body)
    if status == 200 then
        if fields["x-talonschema-token"] then
            txn:set_var("txn.talonschema_token", fields["x-talonschema-token"])
            txn:set_var("txn.talonschema_method", txn.f:method())
            txn:set_var("txn.talonschema_target", txn.f:url())
        end
        return
    end
    local reply
    if status and status < 500 then
        reply = txn:reply({ status = status })
        for _, name in ipairs({ "content-type", "cache-control", "x-request-id", "retry-after" }) do
            if fields[name] then
                reply:add_header(name, fields[name])
            end
        end
        reply:set_body(answer)
    elseif txn:get_var("txn.on_failure") == "pass" then
        return
    else
        reply = txn:reply({ status = 503 })
        reply:add_header("content-type", "application/json")
        reply:set_body(UNAVAILABLE)
    end
    txn:done(reply)
end

local function observe(txn)
    local headers = {
        { "x-talonschema-token", txn:get_var("txn.talonschema_token") },
        { "x-talonschema-method", txn:get_var("txn.talonschema_method") },
        { "x-talonschema-status", txn.f:status() },
    }
    for _, value in pairs(txn.http:res_get_headers()["content-encoding"] or {}) do
        headers[#headers + 1] = { "content-encoding", value }
    end
    -- Of an answer that doesn't fit into a buffer, there is only the start here, which makes no
    -- sense as JSON: the status alone is learned.
    ask("POST", "/observe" .. txn:get_var("txn.talonschema_target"), headers, txn.f:res_body() or "")
end

core.register_action("talonschema_judge", { "http-req" }, judge, 0)
core.register_action("talonschema_observe", { "http-res" }, observe, 0)
