#include "simulator/simulator.h"

int main(int argc, char **argv)
{
    return service_main(&simulator_service, argc, argv);
}
