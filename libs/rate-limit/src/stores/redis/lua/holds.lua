-- What requests took and have not settled: a hash beside the quota, by the ids of the holds. A field is four doubles:
--   expires      from when on it can no longer be settled, in ms since the epoch
--   mark         finds the charge again: when its window ends (fixed-window) or began (sliding-window), or when it was made
--                (sliding-log). NO_MARK: nothing was charged, or the algorithm needs no mark
--   cost         the units that were charged
--   kept_until   until when it is kept, so that an abandoned hold can give back; otherwise `expires`
-- Redis 8 removes fields by their own TTL. Elsewhere the holds of a process that died stay until a sample finds them, or
-- until the hash expires.

-- Writes a hold, and sees to it that no hold stays for ever.
function keep_hold(holds, id, record, field_life, key_life)
  write_hold(holds, id, record, field_life)
  call('PEXPIRE', holds, key_life)
  -- A random sample now and then, so that what crashed processes left behind does not pile up.
  if not HAS_FIELD_EXPIRY and microseconds % 16 == 0 then
    local some = call('HRANDFIELD', holds, '8', 'WITHVALUES')
    for i = 2, #some, 2 do
      local _, _, _, kept_until = read_hold(some[i])
      if not kept_until or kept_until <= now then call('HDEL', holds, some[i - 1]) end
    end
  end
end

-- Writes a field. A key of a foreign type is written over.
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

-- Shows `see` the holds, each as its id and what read_hold returns, until it answers true at the end of a page. Looks at
-- about 250 holds at the most.
function scan_holds(holds, see)
  local cursor, seen, is_enough = '0', 0, false
  repeat
    local page = call('HSCAN', holds, cursor, 'COUNT', '100')
    cursor = page[1]
    for i = 2, #page[2], 2 do
      is_enough = see(page[2][i - 1], read_hold(page[2][i]))
      seen = seen + 1
    end
  until cursor == '0' or seen >= 250 or is_enough
end

-- The numbers of a hold: when it expires, its mark, its cost, and until when it is kept. Nothing for any other value.
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
