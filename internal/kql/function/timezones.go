package function

import (
	"sync"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

var zones sync.Map // name -> *time.Location, nil for a name that is none

func zone(name string) *time.Location {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location)
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		z = nil
	}
	zones.Store(name, z)
	return z
}

// offset is how far the local clock is ahead at an instant.
func offset(z *time.Location, at schema.Ticks) schema.Ticks {
	_, seconds := at.Time().In(z).Zone()
	return schema.Ticks(seconds) * schema.Second
}

func goToLocal(args []schema.Value) (schema.Value, error) {
	z := zone(args[1].(string))
	if z == nil {
		return nil, nil
	}
	at := args[0].(schema.Ticks)
	return at + offset(z, at), nil
}

// goToUTC finds the instant at which the local clock shows a time. Where the clock was changed a time comes twice or
// never: the clock as it is after the change counts, as the documented example of a missing hour shows.
func goToUTC(args []schema.Value) (schema.Value, error) {
	z := zone(args[1].(string))
	if z == nil {
		return nil, nil
	}
	local := args[0].(schema.Ticks)
	later := local - offset(z, local+schema.Day)
	earlier := local - offset(z, local-schema.Day)
	if later+offset(z, later) != local && earlier+offset(z, earlier) == local {
		return earlier, nil
	}
	return later, nil
}
