-- Twin: core/algorithms/sliding-log.ts. The same law on another state; change both.
--
-- State: a list like a fence, sums as the posts and times as the rails between them, oldest first:
--   sum, at, sum, at, sum …
-- The units charged at a time are the sum after it less the sum before it. Dropping the oldest entry drops a post
-- and a rail from the left; nothing else changes. Finding an entry is a binary search.

local function sound(n)
  return n and n >= 0 and n < LARGEST and n % 1 == 0
end

local function log_at(key, index)
  return tonumber(call('LINDEX', key, index)) or 0
end

-- The first entry from `from` on whose value exceeds `threshold`; `offset` is 1 for its time, 2 for the sum after it.
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

-- How long until the oldest `units` of the live entries have left the window.
local function sliding_log_wait(key, live, entries, before, units, window, now)
  local index = live
  if units > 1 then index = log_search(key, live, entries, 2, before + units - 1) end
  return log_at(key, 2 * index + 1) + window - now
end

function sliding_log(key, limit, window, burst, cost, now, life)
  local entries, live, before, total, last = read_log(key, window, now)
  local found = entries > 0
  if last - now > window then
    local used = total - before
    call('DEL', key)
    call('RPUSH', key, 0, now, used)
    call('PEXPIRE', key, life)
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
    record = found and NOTHING_LEFT
  elseif allowed and cost ~= 0 then
    record = found and live or -1
  end
  return remaining, reset_after, retry_after, record, at + window - now
end

-- Sums only grow while a log is not empty. Long before doubles lose a unit, all sums are lowered to start at 0 again.
local LARGEST_SUM = 4503599627370496
local function log_rebase(key)
  local fence = call('LRANGE', key, 0, -1)
  local before = tonumber(fence[1]) or 0
  for post = 1, #fence, 2 do
    call('LSET', key, post - 1, max(0, (tonumber(fence[post]) or before) - before))
  end
end

-- The newest entries first. A log with damaged sums holds nothing.
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

-- Charges a log, or gives back to it, as `sliding_log` has allowed. `live` is its first live entry, or -1 where no log was found.
function write_log(key, live, cost, now, life)
  if live < 0 then
    -- Only what is there: after its first write Redis refuses a script nothing more, however full the memory is.
    if call('PTTL', key) ~= -2 then call('DEL', key) end
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
  call('PEXPIRE', key, life)
end
