-- Requests of several hits, or under policies that block. Each request is judged as a whole.
--
-- Arguments   how many hits a request has, then its hits: which policy, and the cost; in a run under policies that block
--             also the block's rule (blocks.lua), or '' for a policy that does not
-- KEYS        of each request the states of its hits, then the blocks of those with a rule
-- Returns     of each hit remaining, reset_after, retry_after, and with a rule how long a block stands, or 0
function run_judge(opcode, arg, count, key, answered, is_late)
  local hits, entries = tonumber(ARGV[arg + FRAME.judge.hits]), FRAME.hit.LENGTH
  if opcode == OPCODE.judgeBlocking then entries = FRAME.hit.LENGTH + FRAME.blocking.LENGTH end
  arg = arg + FRAME.judge.LENGTH

  -- Of each hit: where its policy is, its cost, that as text, where its numbers begin, and its block if it has one.
  local places, costs, texts, offsets, blocks = {}, {}, {}, {}, {}
  local keys, numbers = hits, 0
  for n = 1, hits do
    places[n] = FRAME.policy.LENGTH * (ARGV[arg + FRAME.hit.policy] - 1) + 1
    texts[n], offsets[n] = ARGV[arg + FRAME.hit.cost], numbers + 1
    costs[n] = tonumber(texts[n])
    numbers = numbers + FRAME.decision.LENGTH
    if opcode == OPCODE.judgeBlocking and ARGV[arg + FRAME.hit.LENGTH + FRAME.blocking.rule] ~= '' then
      blocks[n] = new_block(ARGV[arg + FRAME.hit.LENGTH + FRAME.blocking.rule])
      keys, numbers = keys + 1, numbers + FRAME.block.LENGTH
    end
    arg = arg + entries
  end

  -- If the drawn key is one of these, take a state of the same request: it may be a block.
  local past = drawn - key - 1
  if past >= 0 and past < count * keys then inspected = KEYS[drawn - past % keys + past % keys % hits] end
  if is_late then return arg, key + count * keys, answered + count * numbers end

  local records, lifetimes = {}, {}
  for _ = 1, count do
    local all_allowed, is_elsewhere, block_key = true, false, key + hits
    -- First judge every hit, which may charge it already.
    for n = 1, hits do
      local at, to, block, is_blocked = places[n], answered + offsets[n], blocks[n], false
      local remaining, reset_after, retry_after
      if block then
        block_key = block_key + 1
        is_blocked = read_block(block, KEYS[block_key]) > 0 and costs[n] > 0
      end
      if is_blocked then
        remaining, reset_after, retry_after = look(KEYS[key + n], at, costs[n], texts[n])
        records[n] = nil
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
    end

    -- Then write what is left to be written, and give back what was charged beside a denial.
    for n = 1, hits do
      local at, to, block, settled_cost = places[n], answered + offsets[n], blocks[n], texts[n]
      local is_blocked = block and block.left > 0 and costs[n] > 0
      if not all_allowed and reply[to + FRAME.decision.retryAfter] == 0 and not is_blocked then
        -- All or none: beside a denied hit, a hit that would have passed only looks, or gives back. It is still allowed.
        settled_cost = records[n] == CHARGED and -costs[n] or 0
        reply[to + FRAME.decision.remaining], reply[to + FRAME.decision.resetAfter], _, records[n], lifetimes[n] =
          policies[at](KEYS[key + n], policies[at + FRAME.policy.limit], policies[at + FRAME.policy.window],
            policies[at + FRAME.policy.burst], settled_cost, now, policies[at + FRAME.policy.life])
      end
      if records[n] and records[n] ~= CHARGED then settle(KEYS[key + n], records[n], lifetimes[n], at, settled_cost) end
      if block and not is_elsewhere then answer_with_block(block, is_blocked, policies[at + FRAME.policy.limit], costs[n], to) end
    end
    key, answered = key + keys, answered + numbers
    -- Nothing was charged: the application must ask again with the bounds of another window.
    if is_elsewhere then
      for i = answered - numbers + 1, answered do reply[i] = FRAME.LATE end
    end
  end
  return arg, key, answered
end
