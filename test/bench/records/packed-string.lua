local layout = '<' .. string.rep('d', policies)
local counters = {}
for first = 1, #KEYS do
  local key = KEYS[first]
  local found = call('GET', key)
  local kept = found and { struct.unpack(layout, found) }
  local all_allowed, any_new = true, not found
  for n = 1, policies do
    local allowed, counter, is_new = judge(kept and kept[n], n)
    all_allowed, any_new = all_allowed and allowed, any_new or is_new
    counters[n] = counter
  end
  if all_allowed then
    local record = struct.pack(layout, unpack(counters, 1, policies))
    if any_new then call('SET', key, record, 'PX', longest) else call('SETRANGE', key, '0', record) end
  end
end
return struct.pack('<' .. string.rep('d', answered), unpack(reply))
