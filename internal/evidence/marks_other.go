//go:build !amd64

package evidence

const quickMarks = false

func mark(b *[64]byte, m *marks) { markWords(b, m) }
