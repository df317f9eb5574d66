-- One call on the record of a session; see record.py, which says why, and does the same.
--
-- KEYS[1]  the session
-- ARGV[1]  begin, finish, look or ready
-- ARGV[2]  the time in milliseconds; empty for the server's own
-- begin:   lease (ms), expiry (ms), token, permitted, wanted, keeps (0 or 1), strict_new (0 or 1)
-- finish:  expiry (ms), token, learned (0 or 1), state (0: not told), updated (us; 0: not told)
--
-- begin returns whether the request is admitted (0 or 1) and the states, look the states; finish
-- returns 1 if the token is that of a pending, 2 if its session has more than can be tracked, else 0.
-- Each of them adds 1 if the record is damaged, else 0. A set of states is the sum of their bits.
-- Numbers that would lose digits as JSON are kept as text.

local UNKNOWN, OPEN, NEW, OTHER = 0, 1, 16, 32
local MOST_PENDINGS, CROWD = 32, ''
local WANTED, KEEPS, DEADLINE, SEEN, UNDATED, SINCE = 1, 2, 3, 4, 5, 6

local operation, now = ARGV[1], tonumber(ARGV[2])

if operation == 'ready' then
  -- A write, because a replica or a full server takes none.
  redis.call('SET', KEYS[1], 'ready', 'PX', 1000)
  return {0}
end

if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local states, updated, pendings = UNKNOWN, '0', {}
local stored = redis.call('GET', KEYS[1])

local function read(text)
  local record = cjson.decode(text)
  -- Each of these fails for what is no record.
  local some, date, all = record[1] + 0, record[2] .. '', record[3]
  assert(tonumber(date) and some >= 0)
  for _, each in pairs(all) do
    for field = WANTED, SINCE do
      assert(tonumber(each[field]))
    end
  end
  return some, date, all
end

local damaged = 0
if stored then
  local fine, some, date, all = pcall(read, stored)
  if fine then
    states, updated, pendings = some, date, all
  else
    -- The session counts as unknown, and the next write replaces the record.
    damaged = 1
  end
end

local function without(set, bits)
  return bit.band(set, bit.bnot(bits))
end

local function tell(state, dated)
  for _, each in pairs(pendings) do
    if not dated then
      each[UNDATED] = bit.bor(each[UNDATED], state)
    end
    each[SINCE] = bit.bor(each[SINCE], state)
  end
end

local function expire()
  local ended = {}
  for token, each in pairs(pendings) do
    if each[DEADLINE] <= now then
      ended[token] = each[WANTED]
    end
  end
  for token in pairs(ended) do
    pendings[token] = nil
  end
  for _, wanted in pairs(ended) do
    if states ~= UNKNOWN then
      states = bit.bor(states, wanted)
    end
    tell(wanted, false)
  end
end

local function possible(set)
  if set == UNKNOWN or bit.band(set, OTHER) ~= 0 then
    return UNKNOWN
  end
  for _, each in pairs(pendings) do
    set = bit.bor(set, each[WANTED])
  end
  return set
end

local function write(expiry)
  local expires = 0
  if states ~= UNKNOWN and (states ~= NEW or next(pendings)) then
    expires = now + expiry
  else
    for _, each in pairs(pendings) do
      expires = math.max(expires, each[DEADLINE])
    end
  end
  if expires <= now then
    redis.call('DEL', KEYS[1])
  else
    local text = cjson.encode({states, updated, pendings})
    redis.call('SET', KEYS[1], text, 'PX', string.format('%.0f', expires - now))
  end
end

local function begin(lease, expiry, token, permitted, wanted, keeps, strict)
  if pendings[token] then
    -- The call is repeated, because its answer was lost.
    return {1, possible(states), damaged}
  end
  if states == UNKNOWN and strict == 1 then
    states = NEW
  end
  local known = possible(states)
  if bit.band(known, NEW) ~= 0 and strict == 0 then
    known = UNKNOWN
  end
  if known ~= UNKNOWN and bit.band(known, permitted) == 0 then
    return {0, known, damaged}
  end
  if keeps == 1 then
    wanted = bit.band(states, NEW) ~= 0 and OPEN or 0
  end
  local count = 0
  for _ in pairs(pendings) do
    count = count + 1
  end
  if count >= MOST_PENDINGS then
    token = CROWD
    if pendings[CROWD] then
      wanted = bit.bor(wanted, pendings[CROWD][WANTED])
    end
  end
  pendings[token] = {wanted, keeps, now + lease, updated, 0, 0}
  write(expiry)
  return {1, known, damaged}
end

local function learn(pending, state, date)
  if state == 0 then
    if pending[KEEPS] == 1 then
      if bit.band(states, NEW) ~= 0 then
        states = bit.bor(without(states, NEW), OPEN)
      end
      return
    end
    state = pending[WANTED]
  end
  local new, newest = tonumber(date), tonumber(updated)
  local dated = new > 0
  if dated and new > newest then
    states = bit.bor(state, pending[UNDATED])
    updated = date
  elseif not dated or new == newest then
    states = bit.bor(state, pending[SINCE])
  elseif newest > tonumber(pending[SEEN]) then
    return
  else
    states = bit.bor(without(states, NEW), state)
    dated = false
  end
  tell(state, dated)
end

local function finish(expiry, token, learned, state, date)
  local pending = pendings[token]
  if token == CROWD or not pending then
    return {token ~= CROWD and pendings[CROWD] and 2 or 0, damaged}
  end
  pendings[token] = nil
  if learned == 1 then
    learn(pending, state, date)
  end
  write(expiry)
  return {1, damaged}
end

expire()
if operation == 'begin' then
  return begin(tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6]),
    tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]))
elseif operation == 'finish' then
  return finish(tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7])
end
return {possible(states), damaged}
