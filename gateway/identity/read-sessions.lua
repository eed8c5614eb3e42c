-- What an account may know of its live sessions.
--
-- KEYS   1: the account's sessions (sorted set: id by expiry in milliseconds)
-- ARGV   1: what a session's key begins with; the id follows. All lie on the slot of KEYS[1].
-- reply  for each: id, expires at, opened at, last seen at, device, address; nil for what is not kept

local sessions = {}
local ids = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #ids, 2 do
  local kept = redis.call('HMGET', ARGV[1] .. ids[i], 'openedAtMs', 'lastSeenAtMs', 'device', 'address')
  if kept[1] then sessions[#sessions + 1] = { ids[i], ids[i + 1], unpack(kept) } end
end
return sessions
