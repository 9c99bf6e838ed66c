-- Twin: core/algorithms/sliding-log.ts. The same law on another state; change both.
--
-- State: a head, then the entries, oldest first. An entry is a time and the sum of all units up to then, so the units
-- between two entries are the difference of their sums, and a binary search finds any entry.
--
--   head    how many entries have left the window for sure, the sum before the others, until when the TTL reaches, and
--           the base: what the times count from
--   entry   4 bytes of time and 4 of sum; 6 and 7 where these are too few, and then the base is 0
--
-- Most charges add an entry, and nothing else. Entries that have left the window are removed together, when the log is
-- written again: also when its TTL must be renewed.
local HEAD, NARROW, WIDE = '<dddd', '<I4I4', '<I6I7'
local HEAD_SIZE, NARROW_SIZE, WIDE_SIZE = 32, 8, 13
-- Narrow entries hold less than this. Long before a double loses a unit, the sums of wide ones begin at 0 again.
local NARROW_LIMIT, WIDE_LIMIT = 4294967296, 4503599627370496
-- How much of a log is read at once, as text: the head and 40 narrow entries, which mostly is all of it.
local NEAR, LAST_NEAR = 352, '351'
-- The head is written again when this many more entries have left the window. Fewer are not worth writing the log again.
local BEHIND = 8

-- Of the log that was read last.
local base, entry, entry_size

local function use_base(from)
  base = from
  if base > 0 then
    entry, entry_size = NARROW, NARROW_SIZE
  else
    entry, entry_size = WIDE, WIDE_SIZE
  end
end

-- The time and sum of an entry of a log, whose beginning has been read.
local function log_entry(key, log, index)
  local first = HEAD_SIZE + entry_size * index
  local at, sum
  if first + entry_size <= #log then
    at, sum = unpack_record(entry, log, first + 1)
  else
    at, sum = unpack_record(entry, call('GETRANGE', key, first, first + entry_size - 1))
  end
  return base + at, sum
end

-- The first entry from `from` on whose time, or else whose sum, exceeds `threshold`; `to` if none does. Mostly it is near.
local function log_search(key, log, from, to, by_time, threshold)
  local step, is_near = 1, true
  while from < to do
    local probe = is_near and min(from + step, to) - 1 or floor((from + to) / 2)
    local at, sum = log_entry(key, log, probe)
    if (by_time and at or sum) > threshold then
      to, is_near = probe, false
    else
      from, step = probe + 1, 2 * step
    end
  end
  return from
end

-- When the unit was charged that made the sum reach `sum`.
local function log_unit(key, log, live, entries, sum)
  return (log_entry(key, log, log_search(key, log, live, entries, false, sum - 1)))
end

-- The beginning of a log, its size, the numbers of its head, the time of its last entry and the sum of all. The size is
-- 0 if the key does not exist or does not hold a log.
local function read_log(key)
  local log = pcall_redis('GETRANGE', key, '0', LAST_NEAR)
  if type(log) == 'table' then
    refuse_unless_foreign(log)
    return '', 0
  end
  local size, tail = #log, log
  if size <= HEAD_SIZE then return '', 0 end
  local dead, before, until_then, from = unpack_record(HEAD, log)
  if
    not (dead >= 0 and dead % 1 == 0 and before >= 0 and before % 1 == 0 and until_then > 0 and until_then < LARGEST
      and from >= 0 and from < LARGEST and from % 1 == 0)
  then
    return '', 0
  end
  use_base(from)
  if size == NEAR then
    size = call('STRLEN', key)
    if size > NEAR then tail = call('GETRANGE', key, size - entry_size, size - 1) end
  end
  local entries = (size - HEAD_SIZE) / entry_size
  if entries % 1 ~= 0 or dead >= entries then return '', 0 end
  local last, total = unpack_record(entry, tail, #tail - entry_size + 1)
  if total <= before or total >= LARGEST then return '', 0 end
  return log, size, dead, before, until_then, base + last, total
end

-- The entries of a log from `from` on.
local function log_body(key, log, size, from)
  local first = HEAD_SIZE + entry_size * from
  if #log == size then return string.sub(log, first + 1) end
  return call('GETRANGE', key, first, size - 1)
end

-- The same entries on another base, their sums from 0 on.
local function log_rebase(body, before, to)
  local old_base, old_entry, old_size, texts = base, entry, entry_size, {}
  use_base(to)
  for first = 1, #body, old_size do
    local at, sum = unpack_record(old_entry, body, first)
    texts[#texts + 1] = pack(entry, old_base + at - base, sum - before)
  end
  return table.concat(texts)
end

function sliding_log(key, limit, window, burst, cost, now, life)
  local log, size, dead, before, until_then, last, total = read_log(key)
  local entries, live, first = 0, 0, now
  if size == 0 then
    before, last, total = 0, now, 0
  else
    local threshold = max(now, last) - window
    entries = (size - HEAD_SIZE) / entry_size
    if last <= threshold then
      live, before = entries, total
    else
      first, live = log_entry(key, log, dead), dead
      if first <= threshold then
        live = log_search(key, log, dead + 1, entries, true, threshold)
        before = select(2, log_entry(key, log, live - 1))
        first = log_entry(key, log, live)
      end
    end
  end
  local at, used, moved = max(now, last), max(0, total - before), last - now > window
  if moved then at, first = now, now end

  local allowed = cost <= 0 or cost <= limit - used
  local kept = used
  if allowed then kept = max(0, used + cost) end
  local remaining = max(0, limit - kept)

  local reset_after, retry_after = 0, 0
  if kept > 0 and limit > 0 then
    local units = kept + remaining + 1 - limit
    -- Units past what was used are those charged now.
    local freed = units > used and at or first
    if units > 1 and units <= used and not moved then freed = log_unit(key, log, live, entries, before + units) end
    reset_after = freed + window - now
  end
  if not allowed then
    local units = used + cost - limit
    if cost > limit then
      retry_after = -1
    elseif units > 1 and not moved then
      retry_after = log_unit(key, log, live, entries, before + units) + window - now
    else
      retry_after = first + window - now
    end
  end

  local record, lifetime
  if kept == 0 then
    record = size > 0 and NOTHING_LEFT
  elseif moved or allowed and cost ~= 0 then
    -- Narrow while half of their room is enough, so that a log is seldom rebased.
    local is_narrow = window < NARROW_LIMIT / 2 and kept < NARROW_LIMIT / 2
    local most = size > 0 and base > 0 and NARROW_LIMIT or WIDE_LIMIT
    local fits = size > 0 and total + cost < most and (base == 0 or at - base < most)
    if cost > 0 and fits and not moved and until_then >= at + window and (live < BEHIND or 2 * live < entries - live) then
      if live - dead >= BEHIND then pcall_redis('SETRANGE', key, '0', pack(HEAD, live, before, until_then, base)) end
      -- Charges of one millisecond share an entry.
      record, lifetime = pack(entry, at - base, total + cost), at > last and -size or entry_size - size
    else
      local body = ''
      if not moved and live < entries then body = log_body(key, log, size, live) end
      if body == '' then
        use_base(is_narrow and at or 0)
        before, body = 0, pack(entry, at - base, kept)
      elseif cost < 0 then
        -- The newest entries give back: all after the one that holds the last unit which is kept. It is searched for,
        -- because to take them off one by one would copy the log each time.
        local newest = log_search(key, log, live, entries, false, total + cost - 1)
        body = string.sub(body, 1, entry_size * (newest - live))
          .. pack(entry, log_entry(key, log, newest) - base, total + cost)
      else
        if not fits then
          body = log_rebase(body, before, is_narrow and first or 0)
          before, total = 0, used
        end
        if at == last then body = string.sub(body, 1, -entry_size - 1) end
        body = body .. pack(entry, at - base, total + cost)
      end
      -- A little longer than needed, so that not every charge must renew it.
      lifetime = max(life, at - now + window + ceil(window / 4))
      record = pack(HEAD, 0, before, now + lifetime, base) .. body
    end
  end
  -- And when the newest charge was made, by which a hold finds it again.
  local newest = (moved or allowed and cost > 0) and at or last
  return remaining, reset_after, retry_after, record, lifetime, kept > 0 and newest
end

-- The log with `delta` units more, or fewer, in the charge that was made at `mark`. Every later sum changes, so the log is
-- written again.
function sliding_log_correct(key, window, mark, delta, at)
  local log, size, dead, before, _, last = read_log(key)
  if size == 0 then return end
  local threshold = max(now, last) - window
  if mark <= threshold then return end
  local entries, texts, sum_before, sum_after, is_found = (size - HEAD_SIZE) / entry_size, {}, before, 0, false
  local body, its_base, its_entry, its_size = log_body(key, log, size, dead), base, entry, entry_size
  local times, units = {}, {}
  for i = 1, entries - dead do
    local time, sum = unpack_record(its_entry, body, its_size * (i - 1) + 1)
    time = its_base + time
    if time > threshold then
      local more = sum - sum_before
      if time == mark then
        more, is_found = max(0, more + delta), true
      end
      if more > 0 then times[#times + 1], units[#units + 1] = time, more end
    end
    sum_before = sum
  end
  if not is_found then return end
  if #times == 0 then
    call('DEL', key)
    return
  end
  local kept = 0
  for i = 1, #units do kept = kept + units[i] end
  use_base(window < NARROW_LIMIT / 2 and kept < NARROW_LIMIT / 2 and times[1] or 0)
  for i = 1, #times do
    sum_after = sum_after + units[i]
    texts[i] = pack(entry, times[i] - base, sum_after)
  end
  local lifetime = max(policies[at + FRAME.policy.life], times[#times] - now + window + ceil(window / 4))
  write_record(key, pack(HEAD, 0, 0, now + lifetime, base) .. table.concat(texts), lifetime, at, '0')
end
