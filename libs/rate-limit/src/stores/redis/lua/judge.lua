-- Requests of several hits, and requests with more than charges: blocks, holds, recording, turns. Each request is judged as
-- a whole.
--
-- Arguments   how many hits a request has, then its hits: which policy, and the cost. In a `judgeBlocking` and a `judgeWhole`
--             run also the rule of the policy's blocks (blocks.lua) or ''. In a `judgeWhole` run also what holds.lua needs;
--             and behind all of these the ids of the requests' holds, '-' for a request that holds nothing
-- KEYS        of each request the states of its hits; then for each hit the block if it has a rule, and the holds if it has
--             a ttl, or '-' in its place; a slot has none
-- Returns     of each hit remaining, reset_after, retry_after; with a rule also how long a block stands, or 0; in a
--             `judgeWhole` run also 0, GUESS, or how long a hit that is charged ahead of time must wait
function run_judge(opcode, arg, count, key, answered, is_late)
  local hits, is_whole, has_rules = tonumber(ARGV[arg + FRAME.judge.hits]), opcode == OPCODE.judgeWhole, opcode ~= OPCODE.judge
  arg = arg + FRAME.judge.LENGTH

  -- Of each hit: where its policy is, its cost, that as text, where its numbers begin. If it has them: its block, where its
  -- arguments for holds.lua begin, and which of the request's keys are its block and its holds.
  local places, costs, texts, offsets = {}, {}, {}, {}
  local blocks, holders, block_keys, hold_keys = {}, {}, {}, {}
  local keys, numbers = hits, 0
  for n = 1, hits do
    places[n] = FRAME.policy.LENGTH * (ARGV[arg + FRAME.hit.policy] - 1) + 1
    texts[n], offsets[n] = ARGV[arg + FRAME.hit.cost], numbers + 1
    costs[n] = tonumber(texts[n])
    numbers, arg = numbers + FRAME.decision.LENGTH, arg + FRAME.hit.LENGTH
    if has_rules then
      local rule = ARGV[arg + FRAME.blocking.rule]
      if rule ~= '' then
        blocks[n] = new_block(rule)
        keys, numbers = keys + 1, numbers + FRAME.block.LENGTH
        block_keys[n] = keys
      end
      arg = arg + FRAME.blocking.LENGTH
    end
    if is_whole then
      holders[n] = arg
      if ARGV[arg + FRAME.holding.ttl] ~= '' and algorithm_at(places[n]) ~= 'concurrency' then
        keys = keys + 1
        hold_keys[n] = keys
      end
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

  local records, lifetimes, marks, charges, graced = {}, {}, {}, {}, {}
  for _ = 1, count do
    local all_allowed, is_elsewhere, id = true, false, is_whole and next_id()
    -- First judge every hit, which may charge it already.
    for n = 1, hits do
      local at, to, block, is_blocked, aside = places[n], answered + offsets[n], blocks[n], false, 0
      local remaining, reset_after, retry_after
      local grace = is_whole and ARGV[holders[n] + FRAME.holding.grace] or ''
      charges[n], graced[n] = texts[n], false
      if block then
        is_blocked = read_block(block, KEYS[key + block_keys[n]]) > 0 and costs[n] > 0 and grace ~= 'record'
      end
      if is_blocked then
        remaining, reset_after, retry_after = look(KEYS[key + n], at, costs[n], texts[n])
        records[n] = nil
      elseif grace == 'record' and costs[n] > 0 then
        retry_after, graced[n] = 0, true
        remaining, reset_after, records[n], lifetimes[n], marks[n], charges[n] = record_hit(KEYS[key + n], at, costs[n], holders[n])
      else
        remaining, reset_after, retry_after, records[n], lifetimes[n], marks[n] = policies[at](KEYS[key + n],
          policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window], policies[at + FRAME.policy.burst],
          costs[n], now, policies[at + FRAME.policy.life], texts[n])
        if is_whole and retry_after > 0 then
          if grace ~= '' and retry_after <= tonumber(grace) then
            aside, retry_after, graced[n] = retry_after, 0, true
            records[n], lifetimes[n], marks[n] = charge_ahead(KEYS[key + n], at, costs[n], texts[n], aside)
          elseif algorithm_at(at) == 'concurrency' then
            aside = GUESS
          elseif hold_keys[n] then
            remaining, reset_after, retry_after, records[n], lifetimes[n], marks[n], aside = beside_holds(KEYS[key + n],
              KEYS[key + hold_keys[n]], at, costs[n], texts[n], tonumber(ARGV[holders[n] + FRAME.holding.debt]),
              remaining, reset_after, retry_after, records[n], lifetimes[n])
          end
        end
      end
      if is_blocked or retry_after ~= 0 then all_allowed = false end
      if remaining == FRAME.LATE then is_elsewhere = true end
      reply[to + FRAME.decision.remaining] = remaining
      reply[to + FRAME.decision.resetAfter] = reset_after
      reply[to + FRAME.decision.retryAfter] = retry_after
      if block then reply[to + FRAME.decision.LENGTH + FRAME.block.blockedFor] = block.left end
      if is_whole then reply[to + FRAME.decision.LENGTH + (block and FRAME.block.LENGTH or 0) + FRAME.aside.aside] = aside end
    end

    -- Then write what is left to be written, and give back what was charged beside a denial.
    for n = 1, hits do
      local at, to, block, settled_cost = places[n], answered + offsets[n], blocks[n], charges[n]
      local is_blocked = block and block.left > 0 and costs[n] > 0 and not graced[n]
      local is_undone = not all_allowed and reply[to + FRAME.decision.retryAfter] == 0 and not is_blocked
      if is_undone then
        -- All or none: beside a denied hit, a hit that would have passed only looks, or gives back. It is still allowed.
        settled_cost = records[n] == CHARGED and -charges[n] or 0
        reply[to + FRAME.decision.remaining], reply[to + FRAME.decision.resetAfter], _, records[n], lifetimes[n] =
          policies[at](KEYS[key + n], policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window],
            policies[at + FRAME.policy.burst], settled_cost, now, policies[at + FRAME.policy.life])
      end
      local record = records[n]
      if record and record ~= CHARGED then write_record(KEYS[key + n], record, lifetimes[n], at, settled_cost) end
      if is_whole then
        local aside = to + FRAME.decision.LENGTH + (block and FRAME.block.LENGTH or 0) + FRAME.aside.aside
        if is_undone then
          reply[aside] = 0
        elseif all_allowed then
          if tonumber(ARGV[holders[n] + FRAME.holding.ttl]) then
            local charged, mark = tonumber(charges[n]), NO_MARK
            if charged > 0 then
              -- A window that was charged at once ends when its quota comes back.
              mark = marks[n] or record == CHARGED and now + reply[to + FRAME.decision.resetAfter] or NO_MARK
            end
            take_hold(KEYS[key + n], KEYS[key + (hold_keys[n] or n)], at, holders[n], id, mark, charged)
          end
          -- The numbers are those of more room than the policy has.
          if graced[n] then
            reply[to + FRAME.decision.remaining], reply[to + FRAME.decision.resetAfter] = policies[at](KEYS[key + n],
              policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window], policies[at + FRAME.policy.burst], 0,
              now, policies[at + FRAME.policy.life], '0')
          end
        end
      end
      if block and not is_elsewhere then
        local may_begin = not is_whole
          or reply[to + FRAME.decision.LENGTH + FRAME.block.LENGTH + FRAME.aside.aside] == 0
          and ARGV[holders[n] + FRAME.holding.grace] == ''
        answer_with_block(block, is_blocked, may_begin, policies[at + FRAME.policy.limit], graced[n] and 0 or costs[n], to)
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
