-- The driver: see the contract in prelude.lua.

local time = call('TIME')
local server = time[1] * 1000 + floor(time[2] / 1000)
local not_after, now = tonumber(ARGV[1]), tonumber(ARGV[2]) or server
if not_after and server > not_after then return pack('<d', server) end

-- What a judge gives to be written: nothing, a record, a number (where a log begins), or one of these; CHARGED when it
-- wrote itself.
local NOTHING_LEFT, ADD_COST, CHARGED = '', true, 'charged'
-- And for how long it must be kept: a number of ms, or this where the key's TTL reaches far enough.
local KEEP_TTL = false

local fixed_window, sliding_window, sliding_log, write_log, token_bucket

-- The policies as they stand in ARGV: five entries each, from the first on, with the judge in place of the algorithm.
local policies, arg = { 0, 0, 0, 0, 0 }, 3
while ARGV[arg] and not tonumber(ARGV[arg]) do
  local algorithm, judge = ARGV[arg]
  if algorithm == 'fixed-window' then
    if not fixed_window then
      --> fixed-window.lua
    end
    judge = fixed_window
  elseif algorithm == 'sliding-window' then
    if not sliding_window then
      --> sliding-window.lua
    end
    judge = sliding_window
  elseif algorithm == 'sliding-log' then
    if not sliding_log then
      --> sliding-log.lua
    end
    judge = sliding_log
  else
    if not token_bucket then
      --> token-bucket.lua
    end
    judge = token_bucket
  end
  policies[arg - 2] = judge
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
      -- Text that reads like a counter, and is none to Redis, is written as one.
      call('SET', key, format('%.0f', tonumber(call('GET', key)) + cost), 'PX', life)
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

local reply, answered, hit, blocks_met = { server, 0, 0, 0 }, 1, 0, 0

-- The next run of requests. When nothing is said, each key is a request for one unit of the only policy.
local requests, hits, policy, cost_text = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), ARGV[arg + 2], ARGV[arg + 3]
if not requests then requests, hits, policy, cost_text = #KEYS, 1, 1, '1' end
while requests and policies[1] ~= 0 do
  if hits == 1 then
    local at, cost = 5 * policy - 4, tonumber(cost_text)
    local judge, limit, window, burst, life =
      policies[at], policies[at + 1], policies[at + 2], policies[at + 3], policies[at + 4]
    for i = hit + 1, hit + requests do
      local remaining, reset_after, retry_after, record, lifetime =
        judge(KEYS[i], limit, window, burst, cost, now, life, cost_text)
      reply[answered + 1], reply[answered + 2], reply[answered + 3] = remaining, reset_after, retry_after
      answered = answered + 3
      if record and record ~= CHARGED then settle(KEYS[i], record, lifetime, at + 2, cost_text) end
    end
    hit = hit + requests
  elseif hits > 0 then
    --> several-hits.lua
  else
    --> blocks.lua
  end
  arg = arg + 2 + 2 * hits
  requests, hits, policy, cost_text = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), ARGV[arg + 2], ARGV[arg + 3]
end

-- A key that somebody made permanent, or gave years, gets its TTL back. Each run looks at one of its states; at blocks
-- it looks whenever it reads them.
if policies[1] ~= 0 then
  local inspected, longest = KEYS[1 + time[2] % max(1, hit)], 0
  for at = 5, #policies, 5 do longest = max(longest, policies[at]) end
  local left = call('PTTL', inspected)
  -- Somewhat longer it may be for reasons of ours: a clock that was set back, a burst that was lowered.
  if left == -1 or left > 100 * longest then call('PEXPIRE', inspected, longest) end
end

if answered == 4 then return pack('<dddd', reply[1], reply[2], reply[3], reply[4]) end
-- In parts, because Lua takes only so many arguments.
local packed = ''
for first = 1, answered, 600 do
  local last = min(answered, first + 599)
  packed = packed .. pack('<' .. rep('d', last - first + 1), unpack(reply, first, last))
end
return packed
