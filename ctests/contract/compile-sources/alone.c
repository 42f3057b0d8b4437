/* For `-include` of one header: whichever it is, it needs no other before it. */
int main(void)
{
	return 0;
}
