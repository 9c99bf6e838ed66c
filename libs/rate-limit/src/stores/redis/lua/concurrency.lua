-- Twin: core/algorithms/concurrency.ts. The same law; change both.
--
-- State: a sorted set of the holds, by when their leases end. To count them, to find the soonest and to clear dead ones takes
-- logarithmic time. A hash with field expiry cannot do that: its length counts fields that are due.

function concurrency(key, limit, lease, burst, cost, now)
  local after, far = format('(%.0f', now), format('(%.0f', now + lease)
  local used = pcall_redis('ZCOUNT', key, after, '+inf')
  if type(used) == 'table' then
    refuse_unless_foreign(used)
    used = 0
  elseif used > 0 then
    -- Leases that end too late were written while the clock had jumped.
    for _, id in ipairs(call('ZRANGEBYSCORE', key, far, '+inf', 'LIMIT', '0', '1000')) do call('ZADD', key, now + lease, id) end
  end
  local allowed = cost <= 0 or cost <= limit - used
  if allowed then return max(0, limit - used - max(0, cost)), 0, 0 end
  if cost > limit then return max(0, limit - used), 0, -1 end
  local soonest = call('ZRANGEBYSCORE', key, after, '+inf', 'WITHSCORES', 'LIMIT', '0', '1')
  return max(0, limit - used), 0, min(LONGEST_GUESS, soonest[2] - now)
end

function take_slot(key, id, expires, life)
  local written = pcall_redis('ZADD', key, expires, id)
  if type(written) == 'table' then
    refuse_unless_foreign(written)
    call('DEL', key)
    call('ZADD', key, expires, id)
  end
  call('ZREMRANGEBYSCORE', key, '-inf', now)
  if call('PTTL', key) < tonumber(life) then call('PEXPIRE', key, life) end
end

function free_slot(key, id)
  local expires = pcall_redis('ZSCORE', key, id)
  if not expires or type(expires) == 'table' then return 0 end
  call('ZREM', key, id)
  return tonumber(expires) > now and 1 or 0
end

function renew_slot(key, id, expires, life)
  local known = pcall_redis('ZSCORE', key, id)
  if not known or type(known) == 'table' or tonumber(known) <= now then return 0 end
  call('ZADD', key, expires, id)
  if call('PTTL', key) < tonumber(life) then call('PEXPIRE', key, life) end
  return 1
end
