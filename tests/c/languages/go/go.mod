module doorward.test/call

go 1.19
