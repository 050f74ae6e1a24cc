package casefile

import (
	"fmt"
	"strings"
)

// Full is a disk that has no room for what is to be written: the case, or what waits beside it while it is made or asked.
type Full struct {
	dir       string // where room is wanted
	temporary bool   // nothing of it is kept
	loading   bool
	files, of int   // how many of the files that were given were added to the case
	rest      int64 // bytes of the others
}

func (e *Full) Error() string {
	what := "the disk is full: there is no room left at " + e.dir
	switch {
	case e.loading && e.temporary:
		what += "; nothing was loaded"
	case e.loading:
		what += fmt.Sprintf("; %d of the %d files given were added to the case, and nothing of the others", e.files, e.of)
	}
	return what
}

// loadedShare is one in how many bytes of evidence, as it is unpacked, a case and what waits beside it take while it is
// loaded. Measured are 15% of JSON.
const loadedShare = 5

// Hint says how much room is wanted, and what to do.
func (e *Full) Hint() string {
	room := "make room"
	if e.loading {
		room = fmt.Sprintf("make room for a fifth of what the evidence takes unpacked (at least %d MB)", max(e.rest/loadedShare>>20, 1))
	}
	if e.temporary {
		return room + ", or name a folder on a larger disk by TMPDIR, or by --case"
	}
	return room + ", then give the same command again: it goes on with what is in the case"
}

// fullMessages are what systems and DuckDB say of a disk without room, in lower case.
var fullMessages = []string{"no space left on device", "disk quota exceeded", "not enough space on the disk", "file too large", "max_temp_directory_size"}

// noRoom reports whether an error comes of a disk without room.
func noRoom(err error) bool {
	if err == nil {
		return false
	}
	text := strings.ToLower(err.Error())
	for _, message := range fullMessages {
		if strings.Contains(text, message) {
			return true
		}
	}
	return false
}

// orFull is an error, in plain words where a disk has no room.
func (c *Case) orFull(err error) error {
	if !noRoom(err) {
		return err
	}
	return &Full{dir: c.dir(), temporary: c.temporary != ""}
}

// orFull says also how far the loading came.
func (l *loader) orFull(err error, of int) error {
	if !noRoom(err) {
		return err
	}
	return &Full{dir: l.c.dir(), temporary: l.c.temporary != "", loading: true, files: len(l.loaded), of: of, rest: l.total - l.read}
}
