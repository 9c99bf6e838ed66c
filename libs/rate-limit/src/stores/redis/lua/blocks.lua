-- Twin: core/blocks/block.ts. The same law; change both.
--
-- Requests with a policy that blocks, `hits` being less than 0. Their arguments have three entries for each hit: which
-- policy, cost, and '' or the block's rule as text: a span that code asks to block for or 0, the least TTL, extend,
-- forget_after, the spans. The keys of their blocks stand at the end of KEYS, the first one last. A hit with a rule
-- has a fourth number in the reply: how long a block stands, or 0.
--
-- State: start, span, step
hits = -hits
local places, costs, texts, rules = {}, {}, {}, {}
for n = 1, hits do
  local from = arg + 3 * n - 1
  places[n], texts[n] = 5 * ARGV[from] - 4, ARGV[from + 1]
  costs[n] = tonumber(texts[n])
  if ARGV[from + 2] ~= '' then
    local rule = {}
    for number in string.gmatch(ARGV[from + 2], '%d+') do rule[#rule + 1] = tonumber(number) end
    rules[n] = rule
  end
end
arg = arg + hits
local IMPOSED, LEAST_LIFE, EXTEND, FORGET_AFTER, FIRST_SPAN = 1, 2, 3, 4, 5

local function life_of(rule, start, span)
  return max(rule[LEAST_LIFE], start + span + rule[FORGET_AFTER] - now)
end

-- A denial stands also where nothing may be written, and is then without a block.
local function write_block(key, rule, start, span, step)
  local written = pcall_redis('SET', key, pack('<ddd', start, span, step), 'PX', format('%.0f', life_of(rule, start, span)))
  return not (type(written) == 'table' and written.err)
end

-- The state as of now: start, span, step; or nothing.
local function read_block(key, rule)
  local found = pcall_redis('GET', key)
  if not found then return end
  local start, span, step = read_record(found, 24, '<ddd')
  if not start then
    -- None of ours, and nobody else would ever remove it.
    call('DEL', key)
    return
  end
  if start - now > span then
    start = now
    write_block(key, rule, start, span, step)
  end
  local life = life_of(rule, start, span)
  local left = call('PTTL', key)
  if left == -1 or left > 100 * max(1, life) then call('PEXPIRE', key, format('%.0f', max(1, life))) end
  return start, span, step
end

-- Of a blocked quota nothing is charged: what it holds, and how long the cost would have to wait for it.
local function look(n, key)
  local at, cost = places[n], costs[n]
  local judge, limit, window, burst, life =
    policies[at], policies[at + 1], policies[at + 2], policies[at + 3], policies[at + 4]
  local remaining, reset_after, _, record, lifetime = judge(key, limit, window, burst, 0, now, life, '0')
  if record and record ~= CHARGED then settle(key, record, lifetime, at + 2, '0') end
  local wait = 0
  if cost > (limit > 0 and burst or 0) then
    wait = -1
  elseif cost == remaining + 1 then
    wait = reset_after
  elseif cost > remaining then
    _, _, wait = judge(key, limit, window, burst, cost, now, life, texts[n])
  end
  return remaining, reset_after, wait
end

local block = #KEYS - blocks_met
local remaining, reset_after, retry_after, records, lifetimes = {}, {}, {}, {}, {}
local starts, spans, steps, left, barred = {}, {}, {}, {}, {}
for _ = 1, requests do
  local all_allowed, first_block = true, block
  for n = 1, hits do
    local key, at, rule = KEYS[hit + n], places[n], rules[n]
    left[n] = 0
    if rule then
      starts[n], spans[n], steps[n] = read_block(KEYS[block], rule)
      if starts[n] then left[n] = max(0, starts[n] + spans[n] - now) end
      block = block - 1
    end
    barred[n] = left[n] > 0 and costs[n] > 0
    if barred[n] then
      remaining[n], reset_after[n], retry_after[n] = look(n, key)
      records[n] = nil
    else
      remaining[n], reset_after[n], retry_after[n], records[n], lifetimes[n] = policies[at](key,
        policies[at + 1], policies[at + 2], policies[at + 3], costs[n], now, policies[at + 4], texts[n])
    end
    if barred[n] or retry_after[n] ~= 0 then all_allowed = false end
  end

  block = first_block
  for n = 1, hits do
    local key, at, rule, settled_cost = KEYS[hit + n], places[n], rules[n], texts[n]
    if not all_allowed and not barred[n] and retry_after[n] == 0 then
      -- All or none, as in several-hits.lua.
      settled_cost = records[n] == CHARGED and -costs[n] or 0
      remaining[n], reset_after[n], retry_after[n], records[n], lifetimes[n] = policies[at](key,
        policies[at + 1], policies[at + 2], policies[at + 3], settled_cost, now, policies[at + 4])
    end
    if records[n] and records[n] ~= CHARGED then settle(key, records[n], lifetimes[n], at + 2, settled_cost) end

    if rule then
      local start, span, step = starts[n], spans[n], steps[n]
      -- Of those before it none is remembered any more.
      if not start or start + span + rule[FORGET_AFTER] <= now then step = 0 end
      if barred[n] then
        if rule[EXTEND] == 1 and retry_after[n] >= 0 and now > start and write_block(KEYS[block], rule, now, span, step) then
          left[n] = span
        end
      elseif rule[IMPOSED] > 0 then
        if write_block(KEYS[block], rule, now, rule[IMPOSED], step) then left[n] = rule[IMPOSED] end
      elseif retry_after[n] > 0 then
        span = rule[min(FIRST_SPAN + step, #rule)]
        step = min(step + 1, #rule - FIRST_SPAN + 1)
        if span > 0 and write_block(KEYS[block], rule, now, span, step) then left[n] = span end
      end
      if left[n] > 0 then
        if policies[at + 1] == 0 then
          reset_after[n] = 0
        elseif remaining[n] > 0 then
          reset_after[n] = left[n]
        else
          reset_after[n] = max(left[n], reset_after[n])
        end
        remaining[n] = 0
        if costs[n] > 0 and retry_after[n] >= 0 then retry_after[n] = max(left[n], retry_after[n]) end
      end
      block = block - 1
    end

    reply[answered + 1], reply[answered + 2], reply[answered + 3] = remaining[n], reset_after[n], retry_after[n]
    answered = answered + 3
    if rule then
      answered = answered + 1
      reply[answered] = left[n]
    end
  end
  hit = hit + hits
end
blocks_met = #KEYS - block
