local fields, changes = {}, {}
for n = 1, policies do
  fields[n] = 'p' .. n
  changes[2 * n - 1] = fields[n]
end
for first = 1, #KEYS do
  local key = KEYS[first]
  local found = call('HMGET', key, unpack(fields))
  local all_allowed, any_new = true, false
  for n = 1, policies do
    local allowed, counter, is_new = judge(found[n] and tonumber(found[n]), n)
    all_allowed, any_new = all_allowed and allowed, any_new or is_new
    changes[2 * n] = is_new and string.format('%.0f', counter)
  end
  if all_allowed then
    if any_new then
      for n = 1, policies do
        if not changes[2 * n] then changes[2 * n] = string.format('%.0f', found[n] + 1) end
      end
      call('HSET', key, unpack(changes, 1, 2 * policies))
      call('PEXPIRE', key, longest)
      if field_expiry then
        for n = 1, policies do call('HPEXPIRE', key, windows[n], 'FIELDS', '1', fields[n]) end
      end
    else
      for n = 1, policies do call('HINCRBY', key, fields[n], '1') end
    end
  end
end
return struct.pack('<' .. string.rep('d', answered), unpack(reply))
