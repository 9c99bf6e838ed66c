-- The driver: see the contract at the top.

local time = call('TIME')
local server = time[1] * 1000 + floor(time[2] / 1000)
local not_after, now = tonumber(ARGV[1]), tonumber(ARGV[2]) or server
if not_after and server > not_after then return pack('<d', server) end

-- What a judge gives to be written: a record, or one of these.
local NOTHING_LEFT, ADD_COST = '', true
-- And for how long it must be kept: a number of ms, or this.
local KEEP_TTL = false

local fixed_window, sliding_window, sliding_log, write_log, token_bucket

local function judge_for(algorithm)
  if algorithm == 'fixed-window' then
    if not fixed_window then
      --> fixed-window.lua
    end
    return fixed_window
  elseif algorithm == 'sliding-window' then
    if not sliding_window then
      --> sliding-window.lua
    end
    return sliding_window
  elseif algorithm == 'sliding-log' then
    if not sliding_log then
      --> sliding-log.lua
    end
    return sliding_log
  end
  if not token_bucket then
    --> token-bucket.lua
  end
  return token_bucket
end

-- The policies as they stand in ARGV: five entries each, from the first on.
local policies, arg = { 0, 0, 0, 0, 0 }, 3
while ARGV[arg] and not tonumber(ARGV[arg]) do
  policies[arg - 2] = judge_for(ARGV[arg])
  for i = arg + 1, arg + 4 do policies[i - 2] = tonumber(ARGV[i]) end
  arg = arg + 5
end

-- Writes what a judge left. `policy` is where the policy stands in ARGV, whose texts Redis is told.
local function settle(key, record, lifetime, policy, cost)
  local life = ARGV[policy + 4]
  if lifetime and lifetime > policies[policy + 2] then life = lifetime end
  if record == ADD_COST then
    local sum = pcall_redis('INCRBY', key, cost)
    if type(sum) == 'table' then
      if not string.find(sum.err, 'integer') then error(sum.err) end
      call('DEL', key) -- Garbage that looked like a counter.
    end
  elseif record == NOTHING_LEFT then
    call('DEL', key)
  elseif type(record) == 'number' then
    write_log(key, record, tonumber(cost), now, life)
  elseif lifetime then
    call('SET', key, record, 'PX', life)
  else
    call('SETRANGE', key, '0', record)
  end
end

-- A key that somebody made permanent gets its TTL back. Each run of the script looks at one of its keys.
local inspected = 1 + time[2] % max(1, #KEYS)
local function keep_mortal(key, policy)
  if call('PTTL', key) == -1 then call('PEXPIRE', key, ARGV[policy + 4]) end
end

local reply, answered, hit = { server, 0, 0, 0 }, 1, 0

-- Requests of one hit.
local function judge_each(requests, policy, cost_text)
  local at, cost = 5 * policy - 4, tonumber(cost_text)
  local judge, limit, window, burst, life =
    policies[at], policies[at + 1], policies[at + 2], policies[at + 3], policies[at + 4]
  for i = hit + 1, hit + requests do
    local remaining, reset_after, retry_after, record, lifetime =
      judge(KEYS[i], limit, window, burst, cost, now, life)
    reply[answered + 1], reply[answered + 2], reply[answered + 3] = remaining, reset_after, retry_after
    answered = answered + 3
    if record then settle(KEYS[i], record, lifetime, at + 2, cost_text) end
    if i == inspected then keep_mortal(KEYS[i], at + 2) end
  end
  hit = hit + requests
end

-- Requests of several: all of them are judged before any is charged.
local function judge_together(requests, hits, first_arg)
  local records, lifetimes = {}, {}

  local function judge(n, cost)
    local at = 5 * ARGV[first_arg + 2 * n] - 4
    local remaining, reset_after, retry_after, record, lifetime = policies[at](
      KEYS[hit + n], policies[at + 1], policies[at + 2], policies[at + 3], cost, now, policies[at + 4])
    records[n], lifetimes[n] = record, lifetime
    local to = answered + 3 * n
    reply[to - 2], reply[to - 1], reply[to] = remaining, reset_after, retry_after
    return retry_after == 0
  end

  for _ = 1, requests do
    local all_allowed = true
    for n = 1, hits do
      all_allowed = judge(n, tonumber(ARGV[first_arg + 2 * n + 1])) and all_allowed
    end
    for n = 1, hits do
      -- All or none: beside a denied hit, one that would have passed only looks.
      if not all_allowed and reply[answered + 3 * n] == 0 then judge(n, 0) end
      local policy = 5 * ARGV[first_arg + 2 * n] - 2
      if records[n] then settle(KEYS[hit + n], records[n], lifetimes[n], policy, ARGV[first_arg + 2 * n + 1]) end
      if hit + n == inspected then keep_mortal(KEYS[hit + n], policy) end
    end
    hit, answered = hit + hits, answered + 3 * hits
  end
end

if not ARGV[arg] then
  if policies[1] ~= 0 then judge_each(#KEYS, 1, '1') end
end
while ARGV[arg] do
  local requests, hits = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
  if hits == 1 then
    judge_each(requests, ARGV[arg + 2], ARGV[arg + 3])
  else
    judge_together(requests, hits, arg)
  end
  arg = arg + 2 + 2 * hits
end

-- In parts, because Lua takes only so many arguments.
local packed = ''
for first = 1, answered, 600 do
  local last = min(answered, first + 599)
  packed = packed .. pack('<' .. rep('d', last - first + 1), unpack(reply, first, last))
end
return packed
