-- The driver: see the contract in prelude.lua.

local not_after, now = tonumber(ARGV[1 + FRAME.head.notAfter]), tonumber(ARGV[1 + FRAME.head.now]) or server
if not_after and server > not_after then return pack('<d', server) end

-- What a judge leaves to be written: nothing, a record, or one of these; CHARGED when the judge wrote itself.
local NOTHING_LEFT, ADD_COST, CHARGED = '', true, 'charged'
-- And for how long it must be kept: a number of ms. Where the key's TTL reaches far enough: this, or below 0 at which
-- place of what is kept the record begins.
local KEEP_TTL = false
-- What the parts about holds share: what stands beside a wait that is a guess; the longest such wait, in ms; the mark where
-- nothing was charged.
local GUESS, LONGEST_GUESS, NO_MARK = -1, 1000, -1
-- HSETEX is of Redis 8. Valkey calls itself 7.2.
local HAS_FIELD_EXPIRY = (redis.REDIS_VERSION_NUM or 0) >= 524288
-- Whether some commands are late and did nothing: they came after their deadline, or expected another calendar window.
local some_late = false

--> declarations

-- The algorithm of the policy at `at`.
local function algorithm_at(at) return ARGV[FRAME.head.LENGTH + at] end

-- Writes what a judge left for a hit on the policy at `at`.
local function write_record(key, record, lifetime, at, cost)
  -- As text: Lua is slow at writing numbers.
  local life = ARGV[FRAME.head.LENGTH + at + FRAME.policy.life]
  if lifetime and lifetime > tonumber(life) then life = lifetime end
  if record == ADD_COST then
    local sum = pcall_redis('INCRBY', key, cost)
    if type(sum) == 'table' then
      if not string.find(sum.err, 'integer') then error(sum.err) end
      -- Text that Lua reads as a counter and Redis does not is written as a counter.
      call('SET', key, format('%.0f', tonumber(call('GET', key)) + cost), 'PX', life)
    end
  elseif record == NOTHING_LEFT then
    call('DEL', key)
  elseif not lifetime then
    call('SETRANGE', key, '0', record)
  elseif lifetime < 0 then
    call('SETRANGE', key, -lifetime, record)
  else
    call('SET', key, record, 'PX', life)
  end
end

-- The policies as they stand in ARGV, with the judge in place of the algorithm. Made with room for one policy, so that
-- Lua need not enlarge it.
local policies, arg = { 0, 0, 0, 0, 0 }, 1 + FRAME.head.LENGTH
while ARGV[arg] and not tonumber(ARGV[arg]) do
  local algorithm, judge = ARGV[arg]
  --> algorithms
  policies[arg - FRAME.head.LENGTH] = judge
  for i = arg + 1, arg + FRAME.policy.LENGTH - 1 do policies[i - FRAME.head.LENGTH] = tonumber(ARGV[i]) or ARGV[i] end
  arg = arg + FRAME.policy.LENGTH
end

-- A key that was made permanent, or that got years, gets its TTL back. A batch looks at one of its states, a lone request
-- does so now and then. Blocks are looked at whenever they are read.
local function inspect(key, longest)
  local left = call('PTTL', key)
  -- Somewhat longer is all right: a clock was set back, or a burst was lowered.
  if left == -1 or left > 100 * longest then call('PEXPIRE', key, longest) end
end

-- The most common call is a lone request in the plain form: one key, one policy, no runs.
if #KEYS == 1 and not ARGV[arg] then
  local key, life = KEYS[1], policies[1 + FRAME.policy.life]
  local remaining, reset_after, retry_after, record, lifetime = policies[1](key, policies[1 + FRAME.policy.limit],
    policies[1 + FRAME.policy.window], policies[1 + FRAME.policy.burst], 1, now, life, '1')
  if some_late then return pack('<d', server) end
  if record and record ~= CHARGED then write_record(key, record, lifetime, 1, '1') end
  if microseconds % 16 == 0 then inspect(key, max(life, policies[1 + FRAME.policy.window])) end
  return pack('<dddd', server, remaining, reset_after, retry_after)
end

-- `answered` numbers of the reply are written, and `key` keys are done with.
local reply, answered, key, is_late = { server, 0, 0, 0 }, 1, 0, false
-- One of KEYS at random, and the state that this key is or stands beside.
local drawn, inspected = 1 + microseconds % #KEYS

-- The next run. A batch in the plain form has no runs: each of its keys is a request for one unit of its only policy.
local opcode, count = tonumber(ARGV[arg]), tonumber(ARGV[arg + FRAME.run.count])
if not opcode then opcode, count = OPCODE.hit, #KEYS end
while opcode do
  arg = arg + FRAME.run.LENGTH
  local before = answered
  if opcode == OPCODE.hit or opcode == OPCODE.hitEach then
    if drawn > key and drawn <= key + count then inspected = KEYS[drawn] end
    if is_late then
      answered = answered + FRAME.decision.LENGTH * count
    else
      local policy, cost_text = ARGV[arg + FRAME.hit.policy] or 1, ARGV[arg + FRAME.hit.cost] or '1'
      local at, cost = FRAME.policy.LENGTH * (policy - 1) + 1, tonumber(cost_text)
      local judge, limit, window, burst, life = policies[at], policies[at + FRAME.policy.limit],
        policies[at + FRAME.policy.window], policies[at + FRAME.policy.burst], policies[at + FRAME.policy.life]
      -- In a `hitEach` run each hit is under the policy after the last one's.
      local is_each, first = opcode == OPCODE.hitEach, key + 1
      for i = first, key + count do
        if is_each and i > first then
          at = at + FRAME.policy.LENGTH
          judge, limit, window, burst, life = policies[at], policies[at + FRAME.policy.limit],
            policies[at + FRAME.policy.window], policies[at + FRAME.policy.burst], policies[at + FRAME.policy.life]
        end
        local remaining, reset_after, retry_after, record, lifetime =
          judge(KEYS[i], limit, window, burst, cost, now, life, cost_text)
        reply[answered + (1 + FRAME.decision.remaining)] = remaining
        reply[answered + (1 + FRAME.decision.resetAfter)] = reset_after
        reply[answered + (1 + FRAME.decision.retryAfter)] = retry_after
        answered = answered + FRAME.decision.LENGTH
        if record and record ~= CHARGED then write_record(KEYS[i], record, lifetime, at, cost_text) end
      end
    end
    arg, key = arg + FRAME.hit.LENGTH, key + count
  elseif opcode == OPCODE.deadline then
    is_late = not_after and server > not_after - count
  else
    -- A part gets the opcode, where its arguments begin, the number of commands, `key` and `answered`. It returns where
    -- the next run begins, and the new `key` and `answered`. For a run that is too late it only counts.
    local run
    --> commands
    arg, key, answered = run(opcode, arg, count, key, answered, is_late)
  end
  if is_late then
    some_late = true
    for i = before + 1, answered do reply[i] = FRAME.LATE end
  end
  opcode, count = tonumber(ARGV[arg]), tonumber(ARGV[arg + FRAME.run.count])
end

if inspected then
  local longest = 0
  for at = 1, #policies, FRAME.policy.LENGTH do
    longest = max(longest, policies[at + FRAME.policy.life], policies[at + FRAME.policy.window])
  end
  inspect(inspected, longest)
end

if some_late then reply[1] = -server end
if answered == 4 then return pack('<dddd', reply[1], reply[2], reply[3], reply[4]) end
-- In parts, because Lua takes only so many arguments.
local packed = ''
for first = 1, answered, 600 do
  local last = min(answered, first + 599)
  packed = packed .. pack('<' .. rep('d', last - first + 1), unpack(reply, first, last))
end
return packed
