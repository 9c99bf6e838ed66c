-- Twin: verdictOn(), inTurn() and outcomeOf() in core/judge-all.ts. The same law; change both.
--
-- The hits of a `judgeWhole` run. Each has a claim: what may be special about the hit, and what one request made of it.
--
-- Arguments of a hit: how long the hold lasts or '', how long it is kept, the TTL of its field and of the hash, the policy's
-- debt, and its grace: 'record', the patience in ms, or ''

-- A claim whose arguments begin at `from`.
function new_claim(at, cost, cost_text, from)
  local ttl = ARGV[from + FRAME.holding.ttl]
  local claim = { at = at, cost = cost, cost_text = cost_text, from = from }
  claim.debt, claim.grace = tonumber(ARGV[from + FRAME.holding.debt]), ARGV[from + FRAME.holding.grace]
  claim.is_slot = algorithm_at(at) == 'concurrency'
  -- A ttl that is not a number: the hit holds nothing, but what others hold matters to its denial.
  claim.is_held, claim.has_holds = tonumber(ttl) ~= nil, ttl ~= '' and not claim.is_slot
  forget_request(claim)
  return claim
end

-- Clears what the last request made of a claim: the units that were charged, as text, and their mark; whether the hit passes
-- only by its grace; and 0, GUESS, or how long it must wait.
function forget_request(claim)
  claim.charged, claim.mark, claim.is_graced, claim.aside = claim.cost_text, nil, false, 0
end

-- Charges a hit that passes after `wait` ms: the bucket gets as much room as it refills until then.
local function charge_ahead(claim, key, wait)
  local at = claim.at
  local limit, window = policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window]
  local _, burst = with_room(at, ceil(wait * limit / window))
  local _, _, _, record, lifetime, mark =
    policies[at](key, limit, window, burst, claim.cost, now, policies[at + FRAME.policy.life], claim.cost_text)
  return record, lifetime, mark
end

-- Judges a hit that no block denies.
function judge_claim(claim, key, holds)
  local at, cost, grace = claim.at, claim.cost, claim.grace
  local remaining, reset_after, retry_after, record, lifetime
  forget_request(claim)
  if grace == 'record' and cost > 0 then
    claim.is_graced = true
    remaining, reset_after, record, lifetime, claim.mark, claim.charged = record_hit(key, at, cost, claim.debt)
    return remaining, reset_after, 0, record, lifetime
  end
  remaining, reset_after, retry_after, record, lifetime, claim.mark = policies[at](key, policies[at + FRAME.policy.limit],
    policies[at + FRAME.policy.window], policies[at + FRAME.policy.burst], cost, now, policies[at + FRAME.policy.life],
    claim.cost_text)
  if retry_after <= 0 then return remaining, reset_after, retry_after, record, lifetime end
  if grace ~= '' and retry_after <= tonumber(grace) then
    claim.is_graced, claim.aside = true, retry_after
    record, lifetime, claim.mark = charge_ahead(claim, key, retry_after)
    return remaining, reset_after, 0, record, lifetime
  end
  if claim.is_slot then
    claim.aside = GUESS
  elseif claim.has_holds then
    remaining, reset_after, retry_after, record, lifetime, claim.mark, claim.aside = beside_holds(key, holds, at, cost,
      claim.cost_text, claim.debt, remaining, reset_after, retry_after, record, lifetime)
  end
  return remaining, reset_after, retry_after, record, lifetime
end

-- Holds what a hit was charged.
local function hold_charge(claim, key, holds, id, until_end)
  local from = claim.from
  local charged, expires = tonumber(claim.charged), now + ARGV[from + FRAME.holding.ttl]
  local field_life = ARGV[from + FRAME.holding.fieldLife]
  if claim.is_slot then
    -- A look takes no slot.
    if charged > 0 then take_slot(key, id, expires, field_life) end
    return
  end
  -- A window that was charged at once ends when its quota comes back.
  local mark = charged > 0 and (claim.mark or until_end and now + until_end) or NO_MARK
  local record = pack('<dddd', expires, mark, charged, now + ARGV[from + FRAME.holding.keep])
  keep_hold(holds, id, record, field_life, ARGV[from + FRAME.holding.keyLife])
end

-- Finishes a hit whose request passes. `until_end`: if the hit was charged at once, when its quota comes back, in ms. For a
-- hit that passes only by its grace, returns what is left now: what it was judged by is more room than its policy has.
function finish_claim(claim, key, holds, id, until_end)
  local at = claim.at
  if claim.is_held then hold_charge(claim, key, holds, id, until_end) end
  if claim.is_graced then
    return policies[at](key, policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window],
      policies[at + FRAME.policy.burst], 0, now, policies[at + FRAME.policy.life], '0')
  end
end
