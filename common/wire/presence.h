// presence: must a member of a document or a field of a message be there?
#pragma once

enum presence {
    OPTIONAL,
    REQUIRED,
    KEPT, // optional, and never left out because it cannot be read (wire/message.h)
};
