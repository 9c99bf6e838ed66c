-- Twin: besideHolds() in core/judge-all.ts. The same law; change both.

-- A denial beside open holds. Abandoned ones give back first. If final charges alone would not have denied the hit, its
-- wait is a guess. Looks at no more holds than it needs.
function beside_holds(key, holds, at, cost, cost_text, debt, remaining, reset_after, retry_after, record, lifetime)
  local length = pcall_redis('HLEN', holds)
  if type(length) == 'table' then refuse_unless_foreign(length) end
  if length == 0 or type(length) == 'table' then return remaining, reset_after, retry_after, record, lifetime, nil, 0 end
  local room, present = room_of(key, at, debt)
  local pending, gave, mark = 0, false, nil
  scan_holds(holds, function(id, expires, its_mark, held, kept_until)
    if not kept_until or kept_until <= now then
      call('HDEL', holds, id)
    elseif expires > now then
      pending = pending + counting(at, present, its_mark, held)
    else
      correct(key, at, its_mark, -held, debt)
      call('HDEL', holds, id)
      gave = true
    end
    return cost <= room - debt + pending
  end)
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
