#!lua
-- One call on the record of a session; see record.py, which has the reasons, and does the same.
-- The line above keeps it from running on a replica, which would refuse by what it knew once.
--
-- KEYS[1]  the session
-- ARGV[1]  begin, finish or ready
-- ARGV[2]  the time in milliseconds; empty for the server's own
-- begin:   lease (ms), expiry (ms), token, permitted, wanted, keeps (0 or 1), strict_new (0 or 1),
--          certain
-- finish:  expiry (ms), token, learned (0 or 1), state (0: not answered), updated (us; 0: not answered)
--
-- begin returns whether the request is admitted (0; 1: with its token; 2: repeated, with none; 3:
-- repeated, with the token of the first, which comes third; 4: not yet, since it is in doubt) and the
-- states; finish returns 1 if the token is that of a pending, 2 if its session has more than can be
-- tracked, else 0. Each of them adds 1 if the record is damaged, else 0. A set of states is the sum of
-- their bits.
-- Numbers that would lose digits as JSON are kept as text.

local UNKNOWN, OPEN, NEW, ANY, OTHER = 0, 1, 16, 31, 32
local MOST_PENDINGS, SHARED = 32, ''
local KEYED, DONE, LOST, MOST_REMEMBERED, REMEMBERED = '=', '=', '?', 8, 23 * 3600 * 1000
local WANTED, KEEPS, DEADLINE, STARTED_AT, UNDATED, SINCE = 1, 2, 3, 4, 5, 6

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

local function note_result(state, dated)
  for _, each in pairs(pendings) do
    if not dated then
      each[UNDATED] = bit.bor(each[UNDATED], state)
    end
    each[SINCE] = bit.bor(each[SINCE], state)
  end
end

local function starts(key, mark)
  return string.sub(key, 1, 1) == mark
end

local function digest_of(token)
  return string.match(token, KEYED .. '(.+)$') or ''
end

local function remember(key, deadline)
  pendings[key] = {UNKNOWN, 0, deadline, 0, 0, 0}
  local count, oldest = 0, nil
  for each, value in pairs(pendings) do
    if starts(each, DONE) or starts(each, LOST) then
      count = count + 1
      local than = oldest and pendings[oldest][DEADLINE]
      if not oldest or value[DEADLINE] < than or (value[DEADLINE] == than and each < oldest) then
        oldest = each
      end
    end
  end
  if count > MOST_REMEMBERED then
    pendings[oldest] = nil
  end
end

local function expire()
  local ended = {}
  for token, each in pairs(pendings) do
    if each[DEADLINE] <= now then
      ended[token] = each
    end
  end
  for token in pairs(ended) do
    pendings[token] = nil
  end
  for token, each in pairs(ended) do
    if states ~= UNKNOWN then
      states = bit.bor(states, each[WANTED])
    end
    note_result(each[WANTED], false)
    local digest, deadline = digest_of(token), each[DEADLINE] + REMEMBERED
    if digest ~= '' and not starts(token, DONE) and deadline > now then
      remember(LOST .. digest, deadline)
    end
  end
end

local function first_of(digest)
  local last = KEYED .. digest
  for key in pairs(pendings) do
    if string.sub(key, -#last) == last then
      return key
    end
  end
  return pendings[LOST .. digest] and LOST .. digest
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
    for token, each in pairs(pendings) do
      local repeatable = digest_of(token) ~= '' and not starts(token, DONE)
      expires = math.max(expires, each[DEADLINE] + (repeatable and REMEMBERED or 0))
    end
    expires = math.min(expires, now + expiry)
  end
  if expires <= now then
    redis.call('DEL', KEYS[1])
  else
    local text = cjson.encode({states, updated, pendings})
    redis.call('SET', KEYS[1], text, 'PX', string.format('%.0f', expires - now))
  end
end

local function in_doubt(known, certain)
  local set = known == UNKNOWN and ANY or known
  return bit.band(set, certain) ~= 0 and without(set, certain) ~= 0
end

local function begin(lease, expiry, token, permitted, wanted, keeps, strict, certain)
  local digest, bare = digest_of(token), string.match(token, '^[^' .. KEYED .. ']*')
  if pendings[token] or pendings[bare] then
    -- The call is repeated, because its answer was lost.
    return {pendings[token] and 1 or 2, possible(states), damaged}
  end
  local remembered = states ~= UNKNOWN
  if not remembered and strict == 1 then
    states = NEW
  end
  local known = possible(states)
  if bit.band(known, NEW) ~= 0 and strict == 0 then
    known = UNKNOWN
  end
  local first = digest ~= '' and first_of(digest)
  if first and starts(first, DONE) then
    return {2, known, damaged}
  elseif first and not starts(first, LOST) then
    pendings[first][DEADLINE] = now + lease
    remember(LOST .. digest, now + REMEMBERED)
    write(expiry)
    return {3, known, first, damaged}
  elseif first then
    token = bare
  elseif certain ~= 0 and in_doubt(remembered and known or UNKNOWN, certain) then
    return {4, known, damaged}
  elseif known ~= UNKNOWN and bit.band(known, permitted) == 0 then
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
    token = SHARED
    if pendings[SHARED] then
      wanted = bit.bor(wanted, pendings[SHARED][WANTED])
    end
    if digest ~= '' then
      remember(LOST .. digest, now + REMEMBERED)
    end
  end
  pendings[token] = {wanted, keeps, now + lease, updated, 0, 0}
  write(expiry)
  return {first and 2 or 1, known, damaged}
end

local function learn(pending, state, date)
  if state == 0 then
    if pending[KEEPS] == 1 then
      if bit.band(states, NEW) ~= 0 then
        states = bit.bor(without(states, NEW), OPEN)
        note_result(OPEN, false)
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
  elseif newest > tonumber(pending[STARTED_AT]) then
    return
  else
    states = bit.bor(without(states, NEW), state)
    dated = false
  end
  note_result(state, dated)
end

local function finish(expiry, token, learned, state, date)
  local digest, pending = digest_of(token), pendings[token]
  if digest ~= '' and pendings[DONE .. digest] then
    return {1, damaged}
  end
  if token == SHARED or starts(token, LOST) or not pending then
    return {token ~= SHARED and pendings[SHARED] and 2 or 0, damaged}
  end
  if learned == 0 and pendings[LOST .. digest] then
    return {1, damaged}
  end
  pendings[token] = nil
  if learned == 1 then
    learn(pending, state, date)
    if digest ~= '' then
      pendings[LOST .. digest] = nil
      remember(DONE .. digest, now + REMEMBERED)
    end
  end
  write(expiry)
  return {1, damaged}
end

expire()
if operation == 'begin' then
  return begin(tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6]),
    tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]))
end
return finish(tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7])
