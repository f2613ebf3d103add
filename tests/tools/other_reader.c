/* other_reader.c - greets as the quern-reader of another version does. */
#include <string.h>
#include <sys/socket.h>

#include "base/forkserver.h"

int main(void)
{
	char greeting[64] = "quern-reader 1";

	strcpy(greeting + 16, "0.0.1");
	send(QN_FORKSERVER_FD, greeting, sizeof(greeting), MSG_NOSIGNAL);
	return 0;
}
