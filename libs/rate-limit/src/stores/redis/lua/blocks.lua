-- Twin: core/blocks/block.ts. The same law; change both.
--
-- A policy with `blockFor` blocks callers over the limit. The block is a key of its own beside the quota's.
-- State: start, span, step. The rule comes as text: the shortest TTL, extend, forget_after, the spans.

-- A rule, which also holds the block that was read last under it.
function new_block(rule)
  local block, number = { spans = {} }, string.gmatch(rule, '%d+')
  block.shortest_life, block.extend, block.forget_after = tonumber(number()), number() == '1', tonumber(number())
  for span in number do block.spans[#block.spans + 1] = tonumber(span) end
  return block
end

local function life_of(block, start, span)
  return max(block.shortest_life, start + span + block.forget_after - now)
end

-- Returns whether the block was written. Where nothing may be written, the request is denied without a block.
function write_block(block, start, span, step)
  local life = format('%.0f', life_of(block, start, span))
  local written = pcall_redis('SET', block.key, pack('<ddd', start, span, step), 'PX', life)
  return not (type(written) == 'table' and written.err)
end

-- Reads the block of a key as of now, and returns how long it still lasts.
function read_block(block, key)
  block.key, block.start, block.span, block.step, block.left = key, nil, 0, 0, 0
  local found = pcall_redis('GET', key)
  if not found then return 0 end
  local start, span, step = read_record(found, 24, '<ddd')
  if not start then
    -- Nothing else would ever remove it.
    call('DEL', key)
    return 0
  end
  if start - now > span then
    start = now
    write_block(block, start, span, step)
  end
  local life, left = max(1, life_of(block, start, span)), call('PTTL', key)
  if left == -1 or left > 100 * life then call('PEXPIRE', key, format('%.0f', life)) end
  -- A step that is forgotten stays 0.
  if start + span + block.forget_after > now then block.step = step end
  block.start, block.span, block.left = start, span, max(0, start + span - now)
  return block.left
end

-- What a blocked quota holds, and how long the cost would have to wait for it. Nothing is charged.
function look(key, at, cost, cost_text)
  local judge, limit, window, burst, life = policies[at], policies[at + FRAME.policy.limit],
    policies[at + FRAME.policy.window], policies[at + FRAME.policy.burst], policies[at + FRAME.policy.life]
  local remaining, reset_after, _, record, lifetime = judge(key, limit, window, burst, 0, now, life, '0')
  if record and record ~= CHARGED then write_record(key, record, lifetime, at, '0') end
  -- A calendar window has its bounds in place of the burst.
  local wait, most = 0, limit > 0 and (tonumber(burst) or limit) or 0
  if cost > most then
    wait = -1
  elseif cost == remaining + 1 then
    wait = reset_after
  elseif cost > remaining then
    _, _, wait = judge(key, limit, window, burst, cost, now, life, cost_text)
  end
  return remaining, reset_after, wait
end

-- Begins the next block. Returns how long it stands: 0 where the rule begins none, or where nothing may be written.
function begin_block(block)
  local spans = block.spans
  local step = min(block.step + 1, #spans)
  if spans[step] > 0 and write_block(block, now, spans[step], step) then return spans[step] end
  return 0
end

-- Begins a block when the quota denied the hit and it may, and begins it again when a block did and the rule says so. Then the
-- hit's numbers, which begin at `to` and are the quota's, take the block into account.
function answer_with_block(block, is_blocked, may_begin, limit, cost, to)
  local remaining, reset_after, retry_after =
    to + FRAME.decision.remaining, to + FRAME.decision.resetAfter, to + FRAME.decision.retryAfter
  local left, begun = block.left, false
  if is_blocked then
    if block.extend and reply[retry_after] >= 0 and now > block.start
      and write_block(block, now, block.span, block.step)
    then
      left = block.span
    end
  elseif may_begin and reply[retry_after] > 0 then
    left = begin_block(block)
    begun = true
  end
  if left > 0 then
    if limit == 0 then
      reply[reset_after] = 0
    elseif reply[remaining] > 0 then
      reply[reset_after] = left
    else
      reply[reset_after] = max(left, reply[reset_after])
    end
    reply[remaining] = 0
    if cost > 0 and reply[retry_after] >= 0 then reply[retry_after] = max(left, reply[retry_after]) end
  end
  reply[to + FRAME.decision.LENGTH + FRAME.block.blockedFor] = begun and -left or left
end
