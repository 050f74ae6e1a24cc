//go:build !amd64

package evidence

func mark(b *[64]byte, m *marks) { markWords(b, m) }
