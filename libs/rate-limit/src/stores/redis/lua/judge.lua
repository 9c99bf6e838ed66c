-- Requests of several hits, and requests with more than charges: blocks, holds, recording, turns. Each request is judged as
-- a whole. Twin: core/judge-all.ts. The same law; change both.
--
-- Arguments   how many hits a request has, then its hits: which policy, and the cost. In a `judgeBlocking` and a `judgeWhole`
--             run also the rule of the policy's blocks (blocks.lua) or ''. In a `judgeWhole` run also what claims.lua reads,
--             and after all hits the ids of the requests' holds, '-' for a request that holds nothing
-- KEYS        of each request the states of its hits; then for each hit its block if it has a rule, and its holds if it has
--             a ttl, or '-' in its place; a slot has none
-- Returns     of each hit remaining, reset_after, retry_after; with a rule also how long a block stands, as a negative
--             number if this hit began it, or 0; in a `judgeWhole` run also 0, GUESS, or how long a hit that is charged
--             ahead of time must wait
function run_judge(opcode, arg, count, key, answered, is_late)
  local hits, is_whole, has_rules = tonumber(ARGV[arg + FRAME.judge.hits]), opcode == OPCODE.judgeWhole, opcode ~= OPCODE.judge
  arg = arg + FRAME.judge.LENGTH

  -- Of each hit: where its policy is, its cost, that as text, where its numbers begin. If it has them: its block, and its
  -- claim. Both say at which of the request's keys they are.
  local places, costs, texts, offsets, blocks = {}, {}, {}, {}, {}
  local claims = is_whole and {}
  local keys, numbers = hits, 0
  for n = 1, hits do
    local at, text = FRAME.policy.LENGTH * (ARGV[arg + FRAME.hit.policy] - 1) + 1, ARGV[arg + FRAME.hit.cost]
    places[n], costs[n], texts[n], offsets[n] = at, tonumber(text), text, numbers + 1
    numbers, arg = numbers + FRAME.decision.LENGTH, arg + FRAME.hit.LENGTH
    if has_rules then
      local rule = ARGV[arg + FRAME.blocking.rule]
      if rule ~= '' then
        keys, numbers = keys + 1, numbers + FRAME.block.LENGTH
        blocks[n] = new_block(rule)
        blocks[n].place = keys
      end
      arg = arg + FRAME.blocking.LENGTH
    end
    if is_whole then
      local claim = new_claim(at, costs[n], text, arg)
      if claim.has_holds then keys = keys + 1 end
      claims[n], claim.place, claim.answer = claim, keys, numbers + 1 + FRAME.aside.aside
      arg, numbers = arg + FRAME.holding.LENGTH, numbers + FRAME.aside.LENGTH
    end
  end

  -- If the drawn key is one of these, take a state of the same request: it may be a block.
  local past = drawn - key - 1
  if past >= 0 and past < count * keys then inspected = KEYS[drawn - past % keys + past % keys % hits] end
  local next_id
  if is_whole then
    next_id, arg = string.gmatch(ARGV[arg], '%S+'), arg + 1
  end
  if is_late then return arg, key + count * keys, answered + count * numbers end

  local records, lifetimes = {}, {}
  for _ = 1, count do
    local all_allowed, is_elsewhere, id = true, false, is_whole and next_id()
    -- First judge every hit, which may charge it already.
    for n = 1, hits do
      local at, to, block, claim, is_blocked = places[n], answered + offsets[n], blocks[n], is_whole and claims[n], false
      local remaining, reset_after, retry_after
      if block then
        is_blocked = read_block(block, KEYS[key + block.place]) > 0 and costs[n] > 0
          and not (claim and claim.grace == 'record')
      end
      if is_blocked then
        remaining, reset_after, retry_after = look(KEYS[key + n], at, costs[n], texts[n])
        records[n] = nil
        if claim then forget_request(claim) end
      elseif claim then
        remaining, reset_after, retry_after, records[n], lifetimes[n] =
          judge_claim(claim, KEYS[key + n], KEYS[key + claim.place])
      else
        remaining, reset_after, retry_after, records[n], lifetimes[n] = policies[at](KEYS[key + n],
          policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window], policies[at + FRAME.policy.burst],
          costs[n], now, policies[at + FRAME.policy.life], texts[n])
      end
      if is_blocked or retry_after ~= 0 then all_allowed = false end
      if remaining == FRAME.LATE then is_elsewhere = true end
      reply[to + FRAME.decision.remaining] = remaining
      reply[to + FRAME.decision.resetAfter] = reset_after
      reply[to + FRAME.decision.retryAfter] = retry_after
      if block then reply[to + FRAME.decision.LENGTH + FRAME.block.blockedFor] = block.left end
      if claim then reply[answered + claim.answer] = claim.aside end
    end

    -- Then write what is left to be written, and give back what was charged beside a denial.
    for n = 1, hits do
      local at, to, block, claim, charged = places[n], answered + offsets[n], blocks[n], is_whole and claims[n], texts[n]
      local is_graced = claim and claim.is_graced
      local is_blocked = block and block.left > 0 and costs[n] > 0 and not is_graced
      if claim then charged = claim.charged end
      if not all_allowed and reply[to + FRAME.decision.retryAfter] == 0 and not is_blocked then
        -- All or none: beside a denied hit, a hit that would have passed only looks, or gives back. It is still allowed.
        charged = records[n] == CHARGED and -charged or 0
        reply[to + FRAME.decision.remaining], reply[to + FRAME.decision.resetAfter], _, records[n], lifetimes[n] =
          policies[at](KEYS[key + n], policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window],
            policies[at + FRAME.policy.burst], charged, now, policies[at + FRAME.policy.life])
        if claim then claim.aside, reply[answered + claim.answer] = 0, 0 end
      end
      local record = records[n]
      if record and record ~= CHARGED then write_record(KEYS[key + n], record, lifetimes[n], at, charged) end
      if claim and all_allowed then
        local until_end = record == CHARGED and reply[to + FRAME.decision.resetAfter]
        local remaining, reset_after = finish_claim(claim, KEYS[key + n], KEYS[key + claim.place], id, until_end)
        if is_graced then reply[to + FRAME.decision.remaining], reply[to + FRAME.decision.resetAfter] = remaining, reset_after end
      end
      if block and not is_elsewhere then
        local may_begin = not claim or claim.aside == 0 and claim.grace == ''
        answer_with_block(block, is_blocked, may_begin, policies[at + FRAME.policy.limit], is_graced and 0 or costs[n], to)
      end
    end
    key, answered = key + keys, answered + numbers
    -- Nothing was charged: the application must ask again with the bounds of another window.
    if is_elsewhere then
      for i = answered - numbers + 1, answered do reply[i] = FRAME.LATE end
    end
  end
  return arg, key, answered
end
