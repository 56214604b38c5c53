// hiredis's reply reader, which parses RESP and does no I/O. The rest of hiredis is not used: sockets are SwiftNIO's.
#include <hiredis/read.h>
#include <hiredis/hiredis.h>
