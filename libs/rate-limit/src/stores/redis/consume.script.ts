// Generated from lua/*.lua by `npm run lua`. Do not edit.

/** The name Redis knows the script by. */
export const consumeSha = '8195a81a31c69a00fefb4de267ed7119fdcdd09d';

export const consumeScript = `-- Judges each request of a batch in turn: charges all of its hits or none.
--
-- KEYS[i]   state of hit i; on a Cluster all keys share one hash slot
-- ARGV      now in ms, or '' for the server's clock
--           not_after: the server's clock past which nothing is charged, or '' for never too late
--           how many policies, then each: algorithm, limit, window, burst
--           the requests: how many hits, then each: which policy, cost
-- Returns   the server's clock in ms, then per hit: allowed (1|0), remaining, reset_after, retry_after;
--           the clock alone when it is past not_after
--
-- A state says itself when it began; its key's TTL only collects garbage. A key of a foreign type, or with a value
-- that no algorithm wrote, is an absent state, and so a full quota; the next charge writes over it.

local call, pcall_redis = redis.call, redis.pcall
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpack_record = struct.pack, struct.unpack

-- A whole number that a double holds exactly.
local function sound(n)
  return n and n >= 0 and n < 9007199254740992 and n % 1 == 0
end

-- The instant a state belongs to; core/algorithm.ts says why.
local function settled(at, window, now)
  if at - now > window then return now end
  return at
end

-- Under a clock that tests inject keys live an hour at least: Redis expires them by its own.
local shortest_life = ARGV[1] == '' and 1 or 3600000

-- The bytes of a record, or nil when there is none of that size.
local function read_record(key, size)
  local record = pcall_redis('GET', key)
  if type(record) == 'string' and #record == size then return record end
end

local function write_record(key, record, lifetime)
  call('SET', key, record, 'PX', max(shortest_life, lifetime))
end

-- A key that somebody made permanent gets its TTL back.
local function keep_mortal(key, lifetime)
  if call('PTTL', key) == -1 then call('PEXPIRE', key, max(shortest_life, lifetime)) end
end

-- Twin: core/algorithms/fixed-window.ts. Same names, same order; change both.
--
-- State: start, used

local function fixed_window(key, limit, window, burst, cost, now)
  local start, used, moved = now, 0, false
  local found = read_record(key, 16)
  if found then
    local state_start, state_used = unpack_record('<dd', found)
    if sound(state_start) and sound(state_used) then
      local at = settled(state_start, window, now)
      if now < at + window then
        start, used = at, state_used
      end
      moved = state_start - now > window
    end
  end

  local allowed = cost <= 0 or cost <= limit - used
  local kept = used
  if allowed then kept = max(0, used + cost) end
  local until_end = start + window - now

  local reset_after, retry_after = 0, 0
  if kept > 0 and limit > 0 then reset_after = until_end end
  if not allowed then
    if cost > limit then retry_after = -1 else retry_after = until_end end
  end

  local record
  if kept == 0 then
    record = found and ''
  elseif moved or allowed and cost ~= 0 then
    record = pack('<dd', start, kept)
  end
  return allowed, max(0, limit - kept), reset_after, retry_after, record, until_end
end

-- Twin: core/algorithms/sliding-window.ts. Same names, same order; change both.
--
-- State: start, current, previous

-- How long until \`units\` are there: as the last window slides out, or after the turn, as this one does.
local function sliding_window_wait(limit, window, current, previous, units, start, now)
  local room = (limit - current - units) * window
  if room >= 0 then return start + window - floor(room / previous) - now end
  return start + 2 * window - floor((limit - units) * window / current) - now
end

local function sliding_window(key, limit, window, burst, cost, now)
  local start, current, previous, moved = now, 0, 0, false
  local found = read_record(key, 24)
  if found then
    local state_start, state_current, state_previous = unpack_record('<ddd', found)
    if sound(state_start) and sound(state_current) and sound(state_previous) then
      local at = settled(state_start, window, now)
      local turns = floor((now - at) / window)
      if turns < 1 then
        start, current, previous = at, state_current, state_previous
      elseif turns == 1 and state_current > 0 then
        start, previous = at + window, state_current
      end
      moved = state_start - now > window
    end
  end

  local left = window - max(0, now - start)
  local weight = ceil(previous * left / window)
  local allowed = cost <= 0 or cost <= limit - current - weight

  -- The current window is charged; what it cannot give back, the one before does.
  local kept_current, kept_previous = current, previous
  if allowed then
    kept_current = max(0, current + cost)
    kept_previous = max(0, previous + min(0, current + cost))
  end
  local full = kept_current == 0 and kept_previous == 0
  local remaining = max(0, limit - kept_current - ceil(kept_previous * left / window))

  local reset_after, retry_after = 0, 0
  if not full and limit > 0 then
    reset_after = sliding_window_wait(limit, window, kept_current, kept_previous, remaining + 1, start, now)
  end
  if not allowed then
    if cost > limit then
      retry_after = -1
    else
      retry_after = sliding_window_wait(limit, window, current, previous, cost, start, now)
    end
  end

  local record
  if full then
    record = found and ''
  elseif moved or allowed and cost ~= 0 then
    record = pack('<ddd', start, kept_current, kept_previous)
  end
  return allowed, remaining, reset_after, retry_after, record, start + 2 * window - now
end

-- Twin: core/algorithms/sliding-log.ts. Same names, same order; change both.
--
-- State: a list like a fence, sums as the posts and times as the rails between them, oldest first:
--   sum, at, sum, at, sum …
-- The units charged at a time are the sum after it less the sum before it. Dropping the oldest entry drops a post
-- and a rail from the left; nothing else changes. Finding an entry is a binary search.

local function log_at(key, index)
  return tonumber(call('LINDEX', key, index)) or 0
end

-- The first entry from \`from\` on whose value exceeds \`threshold\`; \`offset\` is 1 for its time, 2 for the sum after it.
local function log_search(key, from, entries, offset, threshold)
  local to = entries
  while from < to do
    local middle = floor((from + to) / 2)
    if log_at(key, 2 * middle + offset) > threshold then to = middle else from = middle + 1 end
  end
  return from
end

-- How many entries, the first live one, the sum before it, the sum of all, the time of the last.
-- 0 entries when there is no log, or something else in its place.
local function read_log(key, window, now)
  local length = pcall_redis('LLEN', key)
  if type(length) ~= 'number' or length < 3 or length % 2 == 0 then return 0, 0, 0, 0, now end
  local entries = (length - 1) / 2
  local head, tail = call('LRANGE', key, 0, 1), call('LRANGE', key, -2, -1)
  local before, first, last, total = tonumber(head[1]), tonumber(head[2]), tonumber(tail[1]), tonumber(tail[2])
  if not (sound(before) and sound(first) and sound(last) and sound(total)) or total < before then
    return 0, 0, 0, 0, now
  end

  local live, at = 0, max(now, last)
  if first + window <= at then
    live = log_search(key, 0, entries, 1, at - window)
    before = log_at(key, 2 * live)
  end
  return entries, live, before, total, last
end

-- How long until the oldest \`units\` of the live entries have left the window.
local function sliding_log_wait(key, live, entries, before, units, window, now)
  local index = live
  if units > 1 then index = log_search(key, live, entries, 2, before + units - 1) end
  return log_at(key, 2 * index + 1) + window - now
end

local function sliding_log(key, limit, window, burst, cost, now)
  local entries, live, before, total, last = read_log(key, window, now)
  local found = entries > 0
  if last - now > window then
    local used = total - before
    call('DEL', key)
    call('RPUSH', key, 0, now, used)
    call('PEXPIRE', key, max(shortest_life, window))
    entries, live, before, total, last = 1, 0, 0, used, now
  end
  local at = max(now, last)

  local used = total - before
  local allowed = cost <= 0 or cost <= limit - used
  local kept = used
  if allowed then kept = max(0, used + cost) end
  local remaining = max(0, limit - kept)

  local reset_after, retry_after = 0, 0
  if kept > 0 and limit > 0 then
    local units = kept + remaining + 1 - limit
    if units > used then
      -- Those past what was used are the ones charged now.
      reset_after = at + window - now
    else
      reset_after = sliding_log_wait(key, live, entries, before, units, window, now)
    end
  end
  if not allowed then
    if cost > limit then
      retry_after = -1
    else
      retry_after = sliding_log_wait(key, live, entries, before, used + cost - limit, window, now)
    end
  end

  local record
  if kept == 0 then
    record = found and ''
  elseif allowed and cost ~= 0 then
    record = found and live or -1
  end
  return allowed, remaining, reset_after, retry_after, record, at + window - now
end

-- Sums only grow while a log is not empty. Long before doubles lose a unit all of them begin anew at 0.
local LARGEST_SUM = 4503599627370496
local function log_rebase(key)
  local fence = call('LRANGE', key, 0, -1)
  local before = tonumber(fence[1]) or 0
  for post = 1, #fence, 2 do
    call('LSET', key, post - 1, max(0, (tonumber(fence[post]) or before) - before))
  end
end

-- The newest entries first. One whose sums somebody damaged holds nothing.
local function log_give_back(key, units)
  while units > 0 do
    local newest = call('LRANGE', key, -3, -1)
    if #newest < 3 then return end
    local total = tonumber(newest[3]) or 0
    local charged = max(0, total - (tonumber(newest[1]) or total))
    if charged > units then
      call('LSET', key, -1, total - units)
    else
      call('RPOP', key, 2)
    end
    units = units - charged
  end
end

-- Charges a log that \`sliding_log\` has allowed. \`live\` is its first live entry, or -1 where no log was found.
local function write_log(key, live, cost, now, lifetime)
  if live < 0 then
    call('DEL', key)
    call('RPUSH', key, 0, now, cost)
  else
    if live > 0 then call('LTRIM', key, 2 * live, -1) end
    if cost > 0 then
      if log_at(key, -1) + cost >= LARGEST_SUM then log_rebase(key) end
      local last, total = log_at(key, -2), log_at(key, -1)
      if now > last then
        call('RPUSH', key, now, total + cost)
      else
        call('LSET', key, -1, total + cost)
      end
    else
      log_give_back(key, -cost)
    end
  end
  call('PEXPIRE', key, max(shortest_life, lifetime))
end

-- Twin: core/algorithms/token-bucket.ts. Same names, same order; change both.
--
-- State: debt in units times ms of window, at

local function token_bucket(key, limit, window, burst, cost, now)
  local capacity = 0
  if limit > 0 then capacity = burst * window end
  local at, debt, moved = now, 0, false
  local found = read_record(key, 16)
  if found then
    local state_debt, state_at = unpack_record('<dd', found)
    if sound(state_debt) and sound(state_at) then
      at = max(now, settled(state_at, window, now))
      debt = max(0, state_debt - max(0, now - state_at) * limit)
      moved = state_at - now > window
    end
  end

  local allowed = cost <= 0 or cost <= floor((capacity - debt) / window)
  local kept = debt
  if allowed then kept = max(0, debt + cost * window) end
  local remaining = max(0, floor((capacity - kept) / window))
  local ahead = at - now

  local reset_after, retry_after = 0, 0
  if kept > 0 and capacity > 0 then
    reset_after = ahead + ceil((kept - capacity + (remaining + 1) * window) / limit)
  end
  if not allowed then
    if cost * window > capacity then
      retry_after = -1
    else
      retry_after = ahead + ceil((debt - capacity + cost * window) / limit)
    end
  end

  local record
  if kept == 0 then
    record = found and ''
  elseif moved or allowed and cost ~= 0 then
    record = pack('<dd', kept, at)
  end
  local lifetime = window
  if limit > 0 then lifetime = ceil(kept / limit) end
  return allowed, remaining, reset_after, retry_after, record, ahead + lifetime
end

-- Twin: core/algorithms/gcra.ts. The same arithmetic; the burst that sets it apart is the policy's.
local gcra = token_bucket

-- The driver: see the contract at the top.

local judges = {
  ['fixed-window'] = fixed_window,
  ['sliding-window'] = sliding_window,
  ['sliding-log'] = sliding_log,
  ['token-bucket'] = token_bucket,
  ['gcra'] = gcra,
}

local time = call('TIME')
local server = time[1] * 1000 + floor(time[2] / 1000)
local now = tonumber(ARGV[1]) or server
local not_after = tonumber(ARGV[2])
if not_after and server > not_after then return { server } end

local judge_of, limit_of, window_of, burst_of = {}, {}, {}, {}
local arg = 3
for policy = 1, tonumber(ARGV[arg]) do
  judge_of[policy] = judges[ARGV[arg + 1]]
  limit_of[policy], window_of[policy], burst_of[policy] =
    tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3]), tonumber(ARGV[arg + 4])
  arg = arg + 4
end
arg = arg + 1

local reply = { server }
local hit, requests_end = 0, #ARGV
local policies, costs, passes, records, lifetimes = {}, {}, {}, {}, {}

local function judge(i, cost)
  local policy = policies[i]
  local allowed, remaining, reset_after, retry_after, record, lifetime =
    judge_of[policy](KEYS[i], limit_of[policy], window_of[policy], burst_of[policy], cost, now)
  passes[i], records[i], lifetimes[i] = allowed, record, lifetime
  local at = 4 * i - 2
  reply[at], reply[at + 1], reply[at + 2], reply[at + 3] = allowed and 1 or 0, remaining, reset_after, retry_after
  return allowed
end

local function settle(i)
  local key, record = KEYS[i], records[i]
  if not record then
    keep_mortal(key, lifetimes[i])
  elseif record == '' then
    call('DEL', key)
  elseif type(record) == 'number' then
    write_log(key, record, costs[i], now, lifetimes[i])
  else
    write_record(key, record, lifetimes[i])
  end
end

while arg <= requests_end do
  local first, last = hit + 1, hit + tonumber(ARGV[arg])
  local all_allowed = true
  for i = first, last do
    policies[i], costs[i] = tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
    arg = arg + 2
    all_allowed = judge(i, costs[i]) and all_allowed
  end
  arg, hit = arg + 1, last

  for i = first, last do
    -- All or none: beside a denied hit, one that would have passed only looks.
    if not all_allowed and passes[i] then judge(i, 0) end
    settle(i)
  end
end

return reply
`;
