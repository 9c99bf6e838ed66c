-- Requests of several hits: all of them are judged before any is charged.
local records, lifetimes = {}, {}

local function judge(n, cost)
  local at = 5 * ARGV[arg + 2 * n] - 4
  local remaining, reset_after, retry_after, record, lifetime = policies[at](
    KEYS[hit + n], policies[at + 1], policies[at + 2], policies[at + 3], cost, now, policies[at + 4])
  records[n], lifetimes[n] = record, lifetime
  local to = answered + 3 * n
  reply[to - 2], reply[to - 1], reply[to] = remaining, reset_after, retry_after
  return retry_after == 0
end

for _ = 1, requests do
  local all_allowed = true
  for n = 1, hits do
    all_allowed = judge(n, tonumber(ARGV[arg + 2 * n + 1])) and all_allowed
  end
  for n = 1, hits do
    -- All or none: beside a denied hit, one that would have passed only looks.
    if not all_allowed and reply[answered + 3 * n] == 0 then judge(n, 0) end
    if records[n] then
      settle(KEYS[hit + n], records[n], lifetimes[n], 5 * ARGV[arg + 2 * n] - 2, ARGV[arg + 2 * n + 1])
    end
  end
  hit, answered = hit + hits, answered + 3 * hits
end
