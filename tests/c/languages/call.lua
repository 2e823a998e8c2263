-- Calls the library from LuaJIT, whose parser reads the header itself:   luajit call.lua HEADER LIBRARY
local ffi = require("ffi")

local text = assert(io.open(arg[1])):read("*a")
text = text:gsub("/%*.-%*/", ""):gsub("\\\n", " "):gsub("static inline.-\n}", ""):gsub("\n#[^\n]*", ""):gsub("^#[^\n]*", "")
text = text:gsub('extern "C" {', ""):gsub("DOORWARD_ENUM", ""):gsub("DOORWARD_MUST_USE", ""):gsub("DOORWARD_VIEW", "")
text = text:gsub("DOORWARD_ID_TEXT_SIZE", "37"):gsub("typedef char doorward_status_has_4_bytes[^\n]*", ""):gsub("\n}%s*$", "\n")
text = text:gsub("static_cast[^\n]*", "")
ffi.cdef(text)
local lib = ffi.load(arg[2])
assert(ffi.sizeof("doorward_answer") == 16 and ffi.sizeof("doorward_request") == 80)

local function S(value) return ffi.new("doorward_bytes", { ffi.cast("const char *", value), #value }) end
local function string(bytes) return ffi.string(bytes.ptr, bytes.len) end
local answer = ffi.new("doorward_answer")
local function must(given, status)
    lib.doorward_answer_free(answer)
    answer.status, answer.kind, answer.held = given.status, given.kind, given.held
    local got = tonumber(ffi.cast("int", answer.status))
    assert(got == (status or 0), got .. " " .. ffi.string(lib.doorward_answer_message(answer)))
end

local settings = "database = 'memory:'\n[password]\nmemory_kib = 64\npasses = 1\nunsafe_fast_hashes = true\n[provider.email]\nkind = 'password'\n"
local config, made = lib.doorward_config_new(), ffi.new("doorward_auth *[1]")
lib.doorward_config_load(config, S(settings))
must(lib.doorward_open(config, made))
local auth = made[0]
must(lib.doorward_start(auth))
local name, word = "password", "plum tractors hum at noon"
local password = ffi.new("doorward_pair[1]", { { S(name), S(word) } })
must(lib.doorward_create_user(auth, S("email"), S("ada@example.com"), password, 1, nil))
must(lib.doorward_create_session(auth, lib.doorward_answer_proof(answer), nil))
local headers, cookies = lib.doorward_answer_headers(answer), 0
for i = 0, tonumber(headers.len) - 1 do
    if string(headers.ptr[i].name) == "Set-Cookie" then cookies = cookies + 1 end
end
assert(cookies == 2, cookies)
local token = string(lib.doorward_session_access_token(lib.doorward_answer_session(answer)))
for _ = 1, 200 do must(lib.doorward_validate_session(auth, S(token))) end
must(lib.doorward_validate_session(auth, S("dwa_nonsense")), 5)
assert(string(lib.doorward_answer_reason(answer)) == "invalid")
lib.doorward_answer_free(answer)
lib.doorward_close(auth)
lib.doorward_config_free(config)
print("called from LuaJIT")
