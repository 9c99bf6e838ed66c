-- Twin: core/holds/held-units.ts. The same law; change both.
--
-- What requests took and have not settled: a hash beside the quota, by the ids of the holds. A field is four doubles:
--   expires      from when on it can no longer be settled, in ms since the epoch
--   mark         finds the charge again: when its window ends (fixed-window) or began (sliding-window), or when it was made
--                (sliding-log). NO_MARK: nothing was charged, or the algorithm needs none
--   cost         the units that were charged
--   kept_until   until when it is kept, so that an abandoned hold can give back; otherwise `expires`
-- Redis 8 removes fields by their own TTL. Elsewhere a hold of a process that died stays until the hash is swept.
--
-- Arguments of a hit, `holder` is where they begin: how long the hold lasts or '', how long it is kept, the TTL of its field
-- and of the hash, the policy's debt, and its grace: 'record', the patience in ms, or ''
function take_hold(key, holds, at, holder, id, mark, cost)
  local life = ARGV[holder + FRAME.holding.keyLife]
  local expires = now + ARGV[holder + FRAME.holding.ttl]
  if algorithm_at(at) == 'concurrency' then
    -- A look takes no slot.
    if cost > 0 then take_slot(key, id, expires, ARGV[holder + FRAME.holding.fieldLife]) end
    return
  end
  local record = pack('<dddd', expires, mark, cost, now + ARGV[holder + FRAME.holding.keep])
  keep_hold(holds, id, record, ARGV[holder + FRAME.holding.fieldLife], life)
end

function keep_hold(holds, id, record, field_life, key_life)
  write_hold(holds, id, record, field_life)
  call('PEXPIRE', holds, key_life)
  -- A random sample now and then: what a crash left behind does not pile up.
  if not HAS_FIELD_EXPIRY and microseconds % 16 == 0 then
    local some = call('HRANDFIELD', holds, '8', 'WITHVALUES')
    for i = 2, #some, 2 do
      local _, _, _, kept_until = read_hold(some[i])
      if not kept_until or kept_until <= now then call('HDEL', holds, some[i - 1]) end
    end
  end
end

function write_hold(holds, id, record, life)
  local written
  if HAS_FIELD_EXPIRY then
    written = pcall_redis('HSETEX', holds, 'PX', life, 'FIELDS', '1', id, record)
  else
    written = pcall_redis('HSET', holds, id, record)
  end
  if type(written) ~= 'table' then return end
  refuse_unless_foreign(written)
  call('DEL', holds)
  write_hold(holds, id, record, life)
end

-- The numbers of a hold, or nothing when it is none.
function read_hold(found)
  if type(found) == 'table' then
    refuse_unless_foreign(found)
  elseif found and #found == 32 then
    local expires, mark, cost, kept_until = unpack_record('<dddd', found)
    if
      expires >= 0 and expires % 1 == 0 and expires <= kept_until and kept_until < LARGEST and kept_until % 1 == 0
      and mark >= NO_MARK and mark < LARGEST and mark % 1 == 0 and cost >= 0 and cost < LARGEST and cost % 1 == 0
    then
      return expires, mark, cost, kept_until
    end
  end
end

-- A policy's limit and burst with more room: units over the burst if it has one, otherwise over the limit.
function with_room(at, units)
  local limit, burst, algorithm = policies[at + FRAME.policy.limit], policies[at + FRAME.policy.burst], algorithm_at(at)
  if algorithm == 'token-bucket' or algorithm == 'gcra' then return limit, burst + units end
  return limit + units, burst
end

-- Units that may still be recorded, and the mark of the present window.
function room_of(key, at, debt)
  local limit, burst = with_room(at, debt)
  local room, _, _, _, _, present =
    policies[at](key, limit, policies[at + FRAME.policy.window], burst, 0, now, policies[at + FRAME.policy.life], '0')
  return room, present
end

-- Counts a hit, whatever the limit: as many units as the debt allows. Returns numbers under the greater limit, what is left
-- to be written, and how many units that are, as text.
function record_hit(key, at, cost, holder)
  local debt = tonumber(ARGV[holder + FRAME.holding.debt])
  local units = min(cost, max(0, (room_of(key, at, debt))))
  local limit, burst = with_room(at, debt)
  local text = format('%.0f', units)
  local remaining, reset_after, _, record, lifetime, mark = policies[at](key, limit, policies[at + FRAME.policy.window],
    burst, units, now, policies[at + FRAME.policy.life], text)
  return remaining, reset_after, record, lifetime, mark, text
end

-- Charges a hit that passes after `wait` ms: the bucket gets as much room as it refills until then.
function charge_ahead(key, at, cost, cost_text, wait)
  local limit, window = policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window]
  local _, burst = with_room(at, ceil(wait * limit / window))
  local _, _, _, record, lifetime, mark =
    policies[at](key, limit, window, burst, cost, now, policies[at + FRAME.policy.life], cost_text)
  return record, lifetime, mark
end

-- How many units of a hold still count, where `present` is the mark of the present window.
function counting(at, present, mark, cost)
  local algorithm, window = algorithm_at(at), policies[at + FRAME.policy.window]
  if algorithm == 'token-bucket' or algorithm == 'gcra' then return cost end
  if not present then return 0 end
  if algorithm == 'sliding-log' then return mark > max(now, present) - window and cost or 0 end
  if mark == present then return cost end
  if algorithm ~= 'sliding-window' or mark + window ~= present then return 0 end
  return floor(cost * max(0, min(window, present + window - now)) / window)
end

-- Mostly the window that was charged is open and has room. Then, as with a hit, one INCRBY corrects it and says so.
function is_corrected_at_once(key, at, mark, delta, debt)
  if algorithm_at(at) ~= 'fixed-window' then return false end
  local limit, window, text = policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window], format('%.0f', delta)
  local sum = pcall_redis('INCRBY', key, text)
  if type(sum) ~= 'number' then return false end
  local began, used, units = read_counter(sum, now)
  if began and began + window == mark and mark > now and began - now <= window and used > 0 and used - delta >= 0 and used - delta < units
    and (delta < 0 or used <= limit + debt)
  then
    return true
  end
  if sum == delta then call('DEL', key) else call('INCRBY', key, format('%.0f', -delta)) end
  return false
end

-- The state with `delta` units more, or fewer, in the window that was charged. Nothing if that is over. Returns LATE if it
-- must be asked again with the bounds of another calendar window.
function correct(key, at, mark, delta, debt)
  local limit, burst = with_room(at, debt)
  local algorithm, judge, window, life =
    algorithm_at(at), policies[at], policies[at + FRAME.policy.window], policies[at + FRAME.policy.life]
  local has_marks = algorithm ~= 'token-bucket' and algorithm ~= 'gcra'
  if delta > 0 then
    local room, present = room_of(key, at, debt)
    if room == FRAME.LATE then return room end
    delta = min(delta, max(0, room))
    if delta == 0 then return end
    if has_marks and mark >= 0 and not present then return end
  end
  if mark >= 0 and algorithm == 'sliding-window' then return sliding_window_correct(key, window, mark, delta) end
  if mark >= 0 and algorithm == 'sliding-log' then return sliding_log_correct(key, window, mark, delta, at) end
  if delta > 0 and has_marks and mark >= 0 then
    local _, present = room_of(key, at, debt)
    if present ~= mark then return end
  end
  local text = format('%.0f', delta)
  local remaining, _, _, record, lifetime, present = judge(key, limit, window, burst, delta, now, life, text)
  if remaining == FRAME.LATE then return remaining end
  if delta < 0 and has_marks and present ~= mark then return end
  if record and record ~= CHARGED then write_record(key, record, lifetime, at, text) end
end

-- A denial beside open holds. Abandoned ones give back first. If final charges alone would not have denied the hit, its
-- wait is a guess. Looks at 1,000 holds at the most, and at no more of them than it needs.
function beside_holds(key, holds, at, cost, cost_text, debt, remaining, reset_after, retry_after, record, lifetime)
  local length = pcall_redis('HLEN', holds)
  if type(length) == 'table' then refuse_unless_foreign(length) end
  if length == 0 or type(length) == 'table' then return remaining, reset_after, retry_after, record, lifetime, nil, 0 end
  local room, present = room_of(key, at, debt)
  local pending, seen, gave, cursor = 0, 0, false, '0'
  repeat
    local page = call('HSCAN', holds, cursor, 'COUNT', '100')
    cursor = page[1]
    for i = 2, #page[2], 2 do
      local expires, mark, held, kept_until = read_hold(page[2][i])
      seen = seen + 1
      if not kept_until or kept_until <= now then
        call('HDEL', holds, page[2][i - 1])
      elseif expires > now then
        pending = pending + counting(at, present, mark, held)
      else
        correct(key, at, mark, -held, debt)
        call('HDEL', holds, page[2][i - 1])
        gave = true
      end
    end
  until cursor == '0' or seen >= 1000 or cost <= room - debt + pending
  local mark
  if gave then
    remaining, reset_after, retry_after, record, lifetime, mark = policies[at](key, policies[at + FRAME.policy.limit],
      policies[at + FRAME.policy.window], policies[at + FRAME.policy.burst], cost, now, policies[at + FRAME.policy.life],
      cost_text)
    room = room_of(key, at, debt)
  end
  if retry_after > 0 and cost <= room - debt + pending then
    return remaining, reset_after, min(LONGEST_GUESS, retry_after), record, lifetime, mark, GUESS
  end
  return remaining, reset_after, retry_after, record, lifetime, mark, 0
end

-- Settles a hold, as if its hit had cost `cost`. Returns 1 if it was open, otherwise 0; or LATE, and then nothing was done.
function settle_hold(key, holds, at, id, cost, debt)
  if algorithm_at(at) == 'concurrency' then return free_slot(key, id) end
  local expires, mark, held, kept_until = read_hold(pcall_redis('HGET', holds, id))
  if not expires then return 0 end
  local is_open = expires > now
  -- What an abandoned hold gives back, it gives back even if its request ends after all.
  if not is_open then cost = kept_until > now and 0 or held end
  if cost ~= held and not is_corrected_at_once(key, at, mark, cost - held, debt) and correct(key, at, mark, cost - held, debt) == FRAME.LATE then return FRAME.LATE end
  call('HDEL', holds, id)
  return is_open and 1 or 0, mark
end

-- Begins a block if a settled charge counts, and final charges alone leave nothing.
function block_if_gone(key, holds, at, mark, cost, debt, block, block_key)
  if cost == 0 or read_block(block, block_key) > 0 then return end
  local room, present = room_of(key, at, debt)
  if mark >= 0 and counting(at, present, mark, cost) == 0 then return end
  local free, cursor, seen = room - debt, '0', 0
  if free > 0 or room == FRAME.LATE then return end
  repeat
    local page = call('HSCAN', holds, cursor, 'COUNT', '100')
    cursor = page[1]
    for i = 2, #page[2], 2 do
      local expires, its_mark, held = read_hold(page[2][i])
      seen = seen + 1
      if expires and expires > now then free = free + counting(at, present, its_mark, held) end
    end
  until cursor == '0' or seen >= 1000 or free > 0
  if free <= 0 then begin_block(block) end
end
